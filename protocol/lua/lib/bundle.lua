-- bundle: plain jobs that were pushed together, as one record of up to a hundred: their records,
-- joined by NUL, and one letter for what became of each. Their numbers have the first 14 digits in
-- common, which name the bundle and no other one. In line they are one entry, or, when
-- some were claimed, the rest of it: `bundle:first-last`, the last two digits of both.
-- A job that has to be treated by itself leaves its bundle, and is a job like any other then.
-- @include lib/number.lua
-- @include lib/rare.lua
local BUNDLE_SIZE, SLICE_SIZE = 14, 20
local COUNTERS = 3
local LETTER_R, LETTER_A, LETTER_GONE, COLON = 114, 97, 45, 58

-- What is known of a task's bundles in this call; false: it has none. Changes are written by
-- `save_bundles`.
local function bundles_of(t)
  if t.bundled == nil then
    local m = redis.call('HMGET', t.bundles, 'n', 'a', 'e')
    for k = 1, 3 do m[k] = m[k] and tonumber(m[k]) end
    t.bundled = (m[1] or m[2] or m[3]) and {
      jobs = m[1] or 0, running = m[2] or 0, entries = m[3] or 0,
      states = {}, changed = {}, wanted = {},
    } or false
  end
  return t.bundled
end

-- All numbers of a bundle, as leases and settles join them: '@' stands for what they begin with.
local SPELLED = '@00 @01 @02 @03 @04 @05 @06 @07 @08 @09 @10 @11 @12 @13 @14 @15 @16 @17 @18 @19 '
  .. '@20 @21 @22 @23 @24 @25 @26 @27 @28 @29 @30 @31 @32 @33 @34 @35 @36 @37 @38 @39 '
  .. '@40 @41 @42 @43 @44 @45 @46 @47 @48 @49 @50 @51 @52 @53 @54 @55 @56 @57 @58 @59 '
  .. '@60 @61 @62 @63 @64 @65 @66 @67 @68 @69 @70 @71 @72 @73 @74 @75 @76 @77 @78 @79 '
  .. '@80 @81 @82 @83 @84 @85 @86 @87 @88 @89 @90 @91 @92 @93 @94 @95 @96 @97 @98 @99'

-- Made in one go, without a string for each of them.
local function spelled(bundle, from, to)
  return (string.gsub(string.sub(SPELLED, 4 * from + 1, 4 * to + 3), '@', bundle))
end

local function slice_text(bundle, from, to)
  return string.format('%s:%02d-%02d', bundle, from, to)
end

-- Nil: it is not the name of a part, whatever else it may be.
local function slice_in(entry)
  local bundle, from, to = string.match(entry, '^(%d+):(%d%d)%-(%d%d)$')
  if not bundle or #entry ~= SLICE_SIZE or from > to then return nil end
  return bundle, tonumber(from), tonumber(to)
end

-- Numbers as they are joined. They may be given as a part of a bundle, or as `bundle:` and the last
-- two digits of each.
local function as_numbers(text)
  if string.byte(text, BUNDLE_SIZE + 1) ~= COLON then return text end
  if #text == SLICE_SIZE then
    local bundle, from, to = slice_in(text)
    if bundle then return spelled(bundle, from, to) end
  end
  local bundle = string.sub(text, 1, BUNDLE_SIZE)
  local numbers = string.gsub(string.sub(text, BUNDLE_SIZE + 2), '%d%d', bundle .. '%0 ')
  return string.sub(numbers, 1, -2)
end

-- Reads the letters of these bundles.
local function read_states(b, key, bundles)
  local names, fields = {}, {}
  for _, bundle in ipairs(bundles) do
    if b.states[bundle] == nil then
      b.states[bundle] = false
      names[#names + 1], fields[#fields + 1] = bundle, bundle .. 's'
    end
  end
  if #names == 0 then return end
  local found = redis.call('HMGET', key, unpack(fields))
  for k, states in ipairs(found) do b.states[names[k]] = states end
end

-- The numbers of those of a bundle, or of a part of it, that have this letter, in their order.
local function numbers_lettered(bundle, letters, letter, from, to)
  local numbers, sub, find = {}, string.sub, string.find
  local at, stop = find(letters, letter, (from or 0) + 1, true), (to or 99) + 1
  while at and at <= stop do
    numbers[#numbers + 1] = bundle .. sub(TWO_DIGITS, 2 * at - 1, 2 * at)
    at = find(letters, letter, at + 1, true)
  end
  return numbers
end

local function set_states(b, bundle, states)
  b.states[bundle], b.changed[bundle], b.is_changed = states, true, true
end

local function save_bundles(t)
  local b = t.bundled
  if not b or not b.is_changed then return end
  local fields, gone = {}, {}
  for bundle in pairs(b.changed) do
    if string.find(b.states[bundle], '[ra]') then
      fields[#fields + 1], fields[#fields + 2] = bundle .. 's', b.states[bundle]
    else
      local n = #gone
      gone[n + 1], gone[n + 2], gone[n + 3] = bundle .. 's', bundle, bundle .. 'z'
    end
  end
  b.changed, b.is_changed = {}, false
  if #gone > 0 then redis.call('HDEL', t.bundles, unpack(gone)) end
  -- Of what was counted wrong something may be left.
  if b.jobs <= 0 and b.entries <= 0 and #fields == 0
      and redis.call('HLEN', t.bundles) <= COUNTERS then
    redis.call('HDEL', t.bundles, 'n', 'a', 'e')
    return
  end
  redis.call('HSET', t.bundles, 'n', whole(b.jobs), 'a', whole(b.running), 'e', whole(b.entries),
    unpack(fields))
end

-- A new one, of jobs that are ready and have these records.
local function put_bundles(t, first, pieces)
  local fields, entries, sizes, count = {}, {}, {}, 0
  for k, piece in ipairs(pieces) do
    local bundle = string.format('%014.0f', first + k - 1)
    local at = 4 * k - 3
    fields[at], fields[at + 1] = bundle, piece.text
    fields[at + 2], fields[at + 3] = bundle .. 's', string.rep('r', piece.count)
    if piece.size and #piece.text + 1 == piece.count * (piece.size + 1) then
      sizes[#sizes + 1], sizes[#sizes + 2] = bundle .. 'z', piece.size
    end
    entries[k] = slice_text(bundle, 0, piece.count - 1)
    count = count + piece.count
  end
  local b = bundles_of(t)
  redis.call('HSET', t.bundles, 'n', whole((b and b.jobs or 0) + count),
    'a', whole(b and b.running or 0), 'e', whole((b and b.entries or 0) + #pieces), unpack(fields))
  if #sizes > 0 then redis.call('HSET', t.bundles, unpack(sizes)) end
  redis.call('RPUSH', t.ready, unpack(entries))
  t.bundled = nil
end

-- How long each record of a bundle is; nil: not all of them alike.
local function size_in(t, bundle)
  return tonumber(redis.call('HGET', t.bundles, bundle .. 'z') or nil)
end

-- The records of a part of a bundle: a text of its own where that is not all of it. `size`: of
-- each, if known.
local function text_between(text, from, to, size)
  if size then return string.sub(text, from * (size + 1) + 1, (to + 1) * (size + 1) - 1) end
  local first, at = 1, 0
  for _ = 1, from do first = (string.find(text, '\0', first, true) or #text) + 1 end
  at = first
  for k = from, to do
    local stop = string.find(text, '\0', at, true)
    if not stop then return string.sub(text, first) end
    at = stop + 1
  end
  return string.sub(text, first, at - 2)
end

local function read_text(t, bundle)
  local b = t.bundled
  b.texts = b.texts or {}
  b.texts[bundle] = b.texts[bundle] or redis.call('HGET', t.bundles, bundle)
  return b.texts[bundle]
end

-- Where a job is in a bundle of this call: which, its place, its letter; nil: in none.
local function place_in_bundle(b, number)
  local bundle = string.sub(number, 1, BUNDLE_SIZE)
  local states = b.states[bundle]
  if not states or #number ~= NUMBER_SIZE then return nil end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1))
  if not place then return nil end
  local letter = string.sub(states, place + 1, place + 1)
  if letter ~= 'r' and letter ~= 'a' then return nil end
  return bundle, place, letter
end

local function read_states_of(t, numbers)
  local bundles, before, wanted = {}, nil, t.bundled.wanted
  for _, number in ipairs(numbers) do
    local bundle = string.sub(number, 1, BUNDLE_SIZE)
    if bundle ~= before then bundles[#bundles + 1], before = bundle, bundle end
    wanted[bundle] = (wanted[bundle] or 0) + 1
  end
  read_states(t.bundled, t.bundles, bundles)
end

-- r: in line; a: running; nil: it is in no bundle.
local function letter_of(t, number)
  if not bundles_of(t) then return nil end
  read_states_of(t, { number })
  local _, _, letter = place_in_bundle(t.bundled, number)
  return letter
end

-- All records of a bundle, also of those that have ended.
local function records_in(t, bundle)
  local b = t.bundled
  b.records = b.records or {}
  if b.records[bundle] then return b.records[bundle] end
  local text, records, from = read_text(t, bundle), {}, 1
  while text do
    local stop = string.find(text, '\0', from, true)
    records[#records + 1] = string.sub(text, from, (stop or 0) - 1)
    if not stop then break end
    from = stop + 1
  end
  b.records[bundle] = records
  return records
end

-- Of a few the others are not taken apart.
local FEW_WANTED = 3

local function record_in(t, bundle, place)
  if t.bundled.wanted[bundle] > FEW_WANTED then return records_in(t, bundle)[place + 1] end
  local text = read_text(t, bundle)
  local record = text and text_between(text, place, place)
  return record ~= '' and record or nil
end

local function bundled_record(t, number)
  local b = bundles_of(t)
  if not b then return nil end
  read_states_of(t, { number })
  local bundle, place = place_in_bundle(b, number)
  return bundle and record_in(t, bundle, place) or nil
end

-- Of jobs that are ready or running, wherever they are.
local function records_of(t, numbers)
  local records = redis.call('HMGET', t.jobs, unpack(numbers))
  if not bundles_of(t) then return records end
  read_states_of(t, numbers)
  for k, number in ipairs(numbers) do
    local bundle, place = place_in_bundle(t.bundled, number)
    records[k] = records[k] or bundle and record_in(t, bundle, place) or false
  end
  return records
end

-- @include lib/single-out.lua
