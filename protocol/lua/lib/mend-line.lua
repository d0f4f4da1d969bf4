-- mend-line: what is ready and stands in no line joins it again. That some is missing is known by
-- how much there is, and then all of it is walked, once from the beginning: single jobs, then
-- bundles. Places of such a walk have a mark behind the cursor: when it began. Once one has come to
-- the end, the places that are noted of it and of older ones are worth no more than others.
-- @include lib/overlap.lua
-- @include lib/need.lua
-- @include lib/piece.lua
-- @include lib/mend-bundles.lua
local MOST_HINTS, STEP_OF_RECORDS = 1000, 4
-- The beginning of the next step, in a walk that is marked.
local MARKED_START = '^0:%d+$'

local function last_lined(t)
  return tonumber(redis.call('HGET', META, 'lined ' .. t.name) or '0')
end

-- The mark of a walk that begins now.
local function new_mark(t, now)
  return whole(math.max(math.floor(now / 1000), last_lined(t) + 1))
end

-- A mark that still counts; else ''.
local function mark_in(t, mark)
  return mark ~= '' and tonumber(mark) > last_lined(t) and mark or ''
end

-- All numbers in line, as a set, and parts of bundles, read once; empty where they are too many to
-- be read at once.
local known_line = nil
local function read_line(t, n)
  if known_line then return known_line end
  known_line = { numbers = {}, parts = {} }
  if n > MOST_HINTS then return known_line end
  for _, key in ipairs({ t.ready, t.alone }) do
    for _, entry in ipairs(redis.call('LRANGE', key, 0, MOST_HINTS)) do
      known_line.numbers[entry] = true
      if #entry == SLICE_SIZE then note_slice(known_line.parts, slice_in(entry)) end
    end
  end
  for _, member in ipairs(redis.call('ZRANGE', t.prio, 0, MOST_HINTS)) do
    known_line.numbers[string.sub(member, -NUMBER_SIZE)] = true
  end
  return known_line
end

local function rejoin(t, number, record, now)
  local _, _, _, row = counts_of(t, number)
  join(t, number, priority_of(record), row, digits(now))
end

-- Records that neither run nor stand in line. A line that is too long to be read is made longer
-- where it is shorter than it has to be: a doubled hint is dropped when it is met.
local function walk_records(t, place, now)
  local n, from, mark = count_entries(t), string.match(place, '^(%d+):?(%d*)$')
  mark = mark_in(t, mark)
  if from == '0' and is_short(t) then mark = new_mark(t, now) end
  if n > MOST_HINTS and mark == '' then return '0' end
  local known, lost, records = read_line(t, n).numbers, {}, {}
  local function is_lost(number, record)
    if known[number] or redis.call('SISMEMBER', t.claimed, number) == 1 then return end
    lost[#lost + 1], records[number] = number, record
  end
  local following = from
  repeat
    following = walk_hash(t.jobs, following, is_lost)
  until following == '0' or #lost > PAGE or work.left <= 0 or work.bytes <= 0
  local leases = #lost > 0 and leases_of(t, lost, math.huge) or {}
  if #lost > 0 then work.left = work.left - redis.call('HLEN', LEASE) end
  for _, number in ipairs(lost) do
    known[number] = true
    if leases[number] then
      redis.call('SADD', t.claimed, number)
    else
      rejoin(t, number, records[number], now)
    end
  end
  note_mended('ready', #lost)
  return mark == '' and following or following .. ':' .. mark
end

-- The same of bundles. Whoever finds here that some is missing begins with single jobs, since at
-- the end of this all stands in line. A marked place says before the mark how many parts of bundles
-- were noted as standing there when this began.
local function walk_line_of_bundles(t, place, lease_to_nobody)
  local from, entries, mark = string.match(place, '^(%d+):(%d+):(%d+)$')
  if not from then from, mark = string.match(place, '^(%d+):?(%d*)$') end
  mark = mark_in(t, mark)
  if mark == '' and is_short(t) then return '0', STEP_OF_RECORDS end
  local n, is_marked = count_entries(t), mark ~= ''
  local parts = read_line(t, n).parts
  if from == '0' or not bundles_of(t) then
    local changed, is_exact = recount(t)
    local b = bundles_of(t)
    note_mended('counts', changed)
    if from == '0' then entries = b and not is_exact and math.max(0, b.entries) or 0 end
  end
  from = page_of_bundles(t, from, parts, n <= MOST_HINTS or is_marked, lease_to_nobody)
  if from ~= '0' then
    return is_marked and table.concat({ from, whole(tonumber(entries or 0)), mark }, ':') or from
  end
  local b = bundles_of(t)
  if is_marked then redis.call('HSET', META, 'lined ' .. t.name, mark) end
  if not b then return '0' end
  if count_entries(t) <= MOST_HINTS then
    local changed = set_counters(t, b.jobs, b.running, count_parts(t.ready, MOST_HINTS))
    if not is_marked then note_mended('counts', changed) end
  elseif is_marked then
    -- Of those that stood there before, how many are left is not known. Better too few: else each
    -- that stands there twice, and is dropped, would look as if one were missing.
    b.entries, b.is_changed = math.max(0, b.entries - tonumber(entries or 0)), true
    save_bundles(t)
  end
  return '0'
end
