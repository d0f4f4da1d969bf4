/** The scripts that the Redis store runs. Generated from protocol/lua by `npm run build:lua`; change the .lua files instead. */

/** A script and the address under which a server remembers it. */
export interface Script {
  readonly text: string;
  readonly sha1: string;
}

export type Verb =
  | "cancel"
  | "counts"
  | "fire"
  | "get"
  | "give"
  | "gone"
  | "hold"
  | "leave"
  | "list"
  | "look"
  | "mend"
  | "open"
  | "parcel"
  | "pause"
  | "prune"
  | "push"
  | "reap"
  | "recall"
  | "recover"
  | "redrive"
  | "register"
  | "remove"
  | "renew"
  | "respread"
  | "resync"
  | "schedule"
  | "schedules"
  | "spread"
  | "spreads"
  | "tend"
  | "trigger"
  | "work";

export const scripts: Readonly<Record<Verb, Script>> = {
  "cancel": {
    sha1: "a554e43f2dcab8682c0a3e4e591655b98c448342",
    text: `#!lua flags=allow-oom
local F = {task_keys=0,whole=0,exact=0,digits=0,raised=0,take_numbers=0,exists=0,written=0,bundles_of=0,slice_in=0,read_states=0,set_states=0,save_bundles=0,text_between=0,read_text=0,place_in_bundle=0,read_states_of=0,letter_of=0,records_in=0,record_in=0,bundled_record=0,by_bundle=0,leave_bundles=0,single_out=0,is_handed=0,parse_lease=0,read_lease=0,letters_of=0,place_in_slice=0,owner_of=0,find_member=0,place_of_member=0,without_cuts=0,lease_of=0,packed=0,record_of_later=0,is_later=0,due_of_later=0,drop_later=0,find_number=0,place_of=0,wake_one=0,head_of=0,priority_of=0,last_in_line=0,join=0,put_all_later=0,put_later=0,keep_rules=0,bound=0,bound_later=0,save_bounds=0,remember_ends=0,ended_text=0,end_job=0,due_of=0,known_text=0,name_job=0,save_job=0,mark_cancelled=0,end_waiting=0,stamp=0,group_of=0,member_of=0,parse_schedule=0,read_schedule=0,lines_of=0,load_fired=0,note_fired=0,write_lines=0,write_ledger=0,occurrence_of=0,write_text=0,waiting_in=0,cut_first=0,number_in=0,load_overlap=0,has_open=0,joined=0,write_overlap=0,json_id=0,record_of=0,make_job=0,release=0,place_of_line=0,job_ended=0,save_ends=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], claimed = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17], bundles = KEYS[b + 18],
  }
end
function F.whole(n)
  return string.format('%.0f', n)
end
function F.exact(ms)
  return string.format('%.3f', ms)
end
local NUMBER_SIZE = 16
function F.digits(n)
  return string.format('%016.0f', n)
end
function F.raised(field, last, count, now)
  local first = math.max(last + 1, now)
  redis.call('HSET', META, field, F.digits(first + count - 1))
  return first
end
function F.take_numbers(field, count, now)
  return F.raised(field, tonumber(redis.call('HGET', META, field) or '0'), count, now)
end
local TWO_DIGITS = '00010203040506070809101112131415161718192021222324'
  .. '25262728293031323334353637383940414243444546474849'
  .. '50515253545556575859606162636465666768697071727374'
  .. '75767778798081828384858687888990919293949596979899'
local heads = {}
local rare_left, seen_rare = math.huge, {}
function F.exists(key)
  if seen_rare[key] ~= nil then return seen_rare[key] end
  if rare_left == 0 then return false end
  seen_rare[key] = redis.call('EXISTS', key) == 1
  if seen_rare[key] then rare_left = rare_left - 1 end
  return seen_rare[key]
end
function F.written(key)
  seen_rare[key] = true
end
local BUNDLE_SIZE, SLICE_SIZE = 14, 20
local COUNTERS = 3
local LETTER_R, LETTER_A, LETTER_GONE, COLON = 114, 97, 45, 58
function F.bundles_of(t)
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
local SPELLED = '@00 @01 @02 @03 @04 @05 @06 @07 @08 @09 @10 @11 @12 @13 @14 @15 @16 @17 @18 @19 '
  .. '@20 @21 @22 @23 @24 @25 @26 @27 @28 @29 @30 @31 @32 @33 @34 @35 @36 @37 @38 @39 '
  .. '@40 @41 @42 @43 @44 @45 @46 @47 @48 @49 @50 @51 @52 @53 @54 @55 @56 @57 @58 @59 '
  .. '@60 @61 @62 @63 @64 @65 @66 @67 @68 @69 @70 @71 @72 @73 @74 @75 @76 @77 @78 @79 '
  .. '@80 @81 @82 @83 @84 @85 @86 @87 @88 @89 @90 @91 @92 @93 @94 @95 @96 @97 @98 @99'
local function spelled(bundle, from, to)
  return (string.gsub(string.sub(SPELLED, 4 * from + 1, 4 * to + 3), '@', bundle))
end
function F.slice_in(entry)
  local bundle, from, to = string.match(entry, '^(%d+):(%d%d)%-(%d%d)$')
  if not bundle or #entry ~= SLICE_SIZE or from > to then return nil end
  return bundle, tonumber(from), tonumber(to)
end
function F.read_states(b, key, bundles)
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
function F.set_states(b, bundle, states)
  b.states[bundle], b.changed[bundle], b.is_changed = states, true, true
end
function F.save_bundles(t)
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
  if b.jobs <= 0 and b.entries <= 0 and #fields == 0
      and redis.call('HLEN', t.bundles) <= COUNTERS then
    redis.call('HDEL', t.bundles, 'n', 'a', 'e')
    return
  end
  redis.call('HSET', t.bundles, 'n', F.whole(b.jobs), 'a', F.whole(b.running), 'e', F.whole(b.entries),
    unpack(fields))
end
function F.text_between(text, from, to, size)
  if size then return string.sub(text, from * (size + 1) + 1, (to + 1) * (size + 1) - 1) end
  local first, at = 1, 0
  for _ = 1, from do first = (string.find(text, '\\0', first, true) or #text) + 1 end
  at = first
  for k = from, to do
    local stop = string.find(text, '\\0', at, true)
    if not stop then return string.sub(text, first) end
    at = stop + 1
  end
  return string.sub(text, first, at - 2)
end
function F.read_text(t, bundle)
  local b = t.bundled
  b.texts = b.texts or {}
  b.texts[bundle] = b.texts[bundle] or redis.call('HGET', t.bundles, bundle)
  return b.texts[bundle]
end
function F.place_in_bundle(b, number)
  local bundle = string.sub(number, 1, BUNDLE_SIZE)
  local states = b.states[bundle]
  if not states or #number ~= NUMBER_SIZE then return nil end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1))
  if not place then return nil end
  local letter = string.sub(states, place + 1, place + 1)
  if letter ~= 'r' and letter ~= 'a' then return nil end
  return bundle, place, letter
end
function F.read_states_of(t, numbers)
  local bundles, before, wanted = {}, nil, t.bundled.wanted
  for _, number in ipairs(numbers) do
    local bundle = string.sub(number, 1, BUNDLE_SIZE)
    if bundle ~= before then bundles[#bundles + 1], before = bundle, bundle end
    wanted[bundle] = (wanted[bundle] or 0) + 1
  end
  F.read_states(t.bundled, t.bundles, bundles)
end
function F.letter_of(t, number)
  if not F.bundles_of(t) then return nil end
  F.read_states_of(t, { number })
  local _, _, letter = F.place_in_bundle(t.bundled, number)
  return letter
end
function F.records_in(t, bundle)
  local b = t.bundled
  b.records = b.records or {}
  if b.records[bundle] then return b.records[bundle] end
  local text, records, from = F.read_text(t, bundle), {}, 1
  while text do
    local stop = string.find(text, '\\0', from, true)
    records[#records + 1] = string.sub(text, from, (stop or 0) - 1)
    if not stop then break end
    from = stop + 1
  end
  b.records[bundle] = records
  return records
end
local FEW_WANTED = 3
function F.record_in(t, bundle, place)
  if t.bundled.wanted[bundle] > FEW_WANTED then return F.records_in(t, bundle)[place + 1] end
  local text = F.read_text(t, bundle)
  local record = text and F.text_between(text, place, place)
  return record ~= '' and record or nil
end
function F.bundled_record(t, number)
  local b = F.bundles_of(t)
  if not b then return nil end
  F.read_states_of(t, { number })
  local bundle, place = F.place_in_bundle(b, number)
  return bundle and F.record_in(t, bundle, place) or nil
end
function F.by_bundle(numbers)
  local places, bundles, others, sub, byte = {}, {}, {}, string.sub, string.byte
  for k = 1, #numbers do
    local number = numbers[k]
    local tens, ones = byte(number, BUNDLE_SIZE + 1, BUNDLE_SIZE + 2)
    if #number == NUMBER_SIZE and tens >= 48 and ones >= 48 and tens <= 57 and ones <= 57 then
      local bundle = sub(number, 1, BUNDLE_SIZE)
      local here = places[bundle]
      if not here then
        here = {}
        places[bundle], bundles[#bundles + 1] = here, bundle
      end
      here[#here + 1] = 10 * tens + ones - 528
    else
      others[#others + 1] = number
    end
  end
  return places, bundles, others
end
function F.leave_bundles(t, numbers)
  local b = F.bundles_of(t)
  if not b then return numbers end
  local places, bundles, others = F.by_bundle(numbers)
  F.read_states(b, t.bundles, bundles)
  for _, bundle in ipairs(bundles) do
    local letters, here = b.states[bundle], places[bundle]
    local all, left, running = letters and { string.byte(letters, 1, -1) }, 0, 0
    for k = 1, #here do
      local letter = all and all[here[k] + 1]
      if letter == LETTER_R or letter == LETTER_A then
        all[here[k] + 1], left = LETTER_GONE, left + 1
        if letter == LETTER_A then running = running + 1 end
      else
        others[#others + 1] = bundle .. string.format('%02d', here[k])
      end
    end
    b.jobs, b.running = b.jobs - left, b.running - running
    if left > 0 then F.set_states(b, bundle, string.char(unpack(all))) end
  end
  return others
end
function F.single_out(t, numbers)
  if not F.bundles_of(t) then return end
  local fields, running, singled = {}, {}, {}
  F.read_states_of(t, numbers)
  for _, number in ipairs(numbers) do
    local bundle, place, letter = F.place_in_bundle(t.bundled, number)
    local record = bundle and F.record_in(t, bundle, place)
    if record then
      singled[#singled + 1] = number
      fields[#fields + 1], fields[#fields + 2] = number, record
      if letter == 'a' then running[#running + 1] = number end
    end
  end
  if #fields == 0 then return end
  redis.call('HSET', t.jobs, unpack(fields))
  if #running > 0 then redis.call('SADD', t.claimed, unpack(running)) end
  F.leave_bundles(t, singled)
  F.save_bundles(t)
end
local HANDED_MS, HANDED_LENGTH_MS = 2000, 10000
function F.is_handed(length)
  return string.byte(length) == 48
end
function F.parse_lease(fence, text)
  local a = text and string.find(text, '|', 1, true)
  local b = a and string.find(text, '|', a + 1, true)
  local c = b and string.find(text, '|', b + 1, true)
  if not c then return nil end
  local slice = c - b - 1 == SLICE_SIZE and { F.slice_in(string.sub(text, b + 1, c - 1)) } or nil
  if slice and not slice[1] then return nil end
  return {
    slice = slice, fence = fence, text = text, from = b + 1, to = c - 1, head = b, owner = a + 1,
    length = tonumber(string.sub(text, 1, a - 1)) or 0, handed = F.is_handed(text),
    task = string.sub(text, c + 1),
  }
end
function F.read_lease(fence, t)
  local lease = F.parse_lease(fence, redis.call('HGET', LEASE, fence))
  if lease and t and lease.task == t.name then lease.t = t end
  return lease
end
function F.letters_of(lease)
  local t, bundle = lease.t, lease.slice[1]
  local b = t and F.bundles_of(t)
  if not b then return nil end
  F.read_states(b, t.bundles, { bundle })
  return b.states[bundle] or nil
end
function F.place_in_slice(lease, number)
  local bundle, from, to = lease.slice[1], lease.slice[2], lease.slice[3]
  if #number ~= BUNDLE_SIZE + 2 or string.sub(number, 1, BUNDLE_SIZE) ~= bundle then return nil end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1))
  if not place or place < from or place > to then return nil end
  if lease.dropped and lease.dropped[number] then return nil end
  if lease.singled and lease.singled[number] then return number end
  local letters = F.letters_of(lease)
  return letters and string.byte(letters, place + 1) == LETTER_A and number or nil
end
local FEW = 6
local MOST_LOOKED_AFTER = 50
function F.owner_of(lease)
  return string.sub(lease.text, lease.owner, lease.head - 1)
end
function F.find_member(lease, number, from)
  local at = string.find(lease.text, number, from, true)
  local is_one = at and at < lease.to and (at - lease.from) % (NUMBER_SIZE + 1) == 0
  return is_one and #number == NUMBER_SIZE and at or nil
end
function F.place_of_member(lease, number)
  if lease.slice then return F.place_in_slice(lease, number) end
  local at = F.find_member(lease, number, lease.last or lease.from)
  if not at and lease.last then at = F.find_member(lease, number, lease.from) end
  if not at or (lease.cuts and lease.cuts[at]) then return nil end
  lease.last = at
  return at
end
function F.without_cuts(text, cuts, between)
  local places = {}
  for at in pairs(cuts) do places[#places + 1] = at end
  table.sort(places)
  local pieces, from = {}, 1
  for k, at in ipairs(places) do
    pieces[k] = string.sub(text, from, at - 1)
    from = at + cuts[at] + 1
  end
  pieces[#pieces + 1] = string.sub(text, from)
  local left = table.concat(pieces)
  return string.byte(left, -1) == between and string.sub(left, 1, -2) or left
end
local PIECE_BYTES = 8000
local MOST_BYTES_SEEN, LEASES_PER_PAGE, BYTES_PER_PAIR = 256 * 1024, 50, 50
function F.lease_of(t, number)
  local cursor, bytes = '0', 0
  repeat
    local page = redis.call('HSCAN', LEASE, cursor, 'COUNT', LEASES_PER_PAGE)
    local found = page[2]
    for k = 1, #found, 2 do
      bytes = bytes + #found[k + 1] + BYTES_PER_PAIR
      if string.find(found[k + 1], string.sub(number, 1, BUNDLE_SIZE), 1, true) then
        local lease = F.read_lease(found[k], t)
        if lease and F.place_of_member(lease, number) then return lease end
      end
    end
    cursor = page[1]
  until cursor == '0' or bytes >= MOST_BYTES_SEEN
  return nil
end
local BYTES_PER_LEASE = 200
local OF_A_BUNDLE = '^%d+|[^|]*|(%d+):%d%d%-%d%d|'
local PACKED_FROM, PACKED_BELOW = 1750000000000000, 1750000000000000 + 254 * 2 ^ 40
function F.packed(number)
  local n = tonumber(number) or 0
  if n < PACKED_FROM then return '\\0' .. number end
  if n >= PACKED_BELOW then return '\\255' .. number end
  n = n - PACKED_FROM
  local f = n % 256
  n = (n - f) / 256
  local e = n % 256
  n = (n - e) / 256
  local d = n % 256
  n = (n - d) / 256
  local c = n % 256
  n = (n - c) / 256
  local b = n % 256
  return string.char((n - b) / 256 + 1, b, c, d, e, f)
end
function F.record_of_later(t, number)
  return redis.call('HGET', t.later, F.packed(number))
end
function F.is_later(t, number)
  return redis.call('HEXISTS', t.later, F.packed(number)) == 1
end
function F.due_of_later(t, number)
  return redis.call('ZSCORE', t.due, F.packed(number))
end
function F.drop_later(t, number)
  local name = F.packed(number)
  redis.call('HDEL', t.later, name)
  redis.call('ZREM', t.due, name)
end
local STATE_WORD = { c = 'completed', d = 'dead', x = 'cancelled' }
function F.find_number(t, id, spelled, now_ms)
  local entry = redis.call('HGET', t.ids, id)
  if entry then
    local number, ended = string.match(entry, '^(%d+):?(%a?)$')
    local over = ended ~= '' and tonumber(redis.call('ZSCORE', t.idends, id) or '0') <= now_ms
    if not over then return number, STATE_WORD[ended] end
  end
  if spelled ~= '' then return spelled, nil end
  return nil, nil
end
function F.place_of(t, number)
  local record = redis.call('HGET', t.jobs, number)
  if record then
    local claimed = redis.call('SISMEMBER', t.claimed, number) == 1
    return claimed and 'running' or 'ready', record, nil
  end
  record = F.bundled_record(t, number)
  if record then return F.letter_of(t, number) == 'a' and 'running' or 'ready', record, nil end
  record = F.record_of_later(t, number)
  if record then return 'scheduled', record, F.due_of_later(t, number) end
  record = redis.call('HGET', t.ended, number)
  if record then return STATE_WORD[string.sub(record, 1, 1)], record, nil end
  return nil, nil, nil
end
local MOST_DEAD = 200
function F.wake_one(t)
  for _ = 1, MOST_DEAD do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return false end
    if redis.call('PUBLISH', CHANNEL .. sleeper, 't' .. t.name) > 0 then return true end
  end
  return false
end
function F.head_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return {} end
  local ok, head = pcall(cjson.decode, string.sub(record, 1, stop - 1))
  return ok and type(head) == 'table' and head or {}
end
function F.priority_of(record)
  if not string.find(record, '"p":', 1, true) then return '0' end
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return '0' end
  return string.match(string.sub(record, 1, stop - 1), '"p":(-?%d+)') or '0'
end
local ALONE_AFTER = 3
function F.last_in_line(number, order)
  return order == number and '1' .. number or '1' .. order .. ':' .. number
end
function F.join(t, number, priority, row, now, order)
  if row >= ALONE_AFTER then
    F.written(t.alone)
    redis.call('RPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('RPUSH', t.ready, number)
  else
    F.written(t.prio)
    order = order or F.digits(F.take_numbers('number', 1, now))
    redis.call('ZADD', t.prio, priority, F.last_in_line(number, order))
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
function F.put_all_later(t, numbers, records, dues)
  local fields, index, soonest, before = {}, {}, math.huge, nil
  for k, number in ipairs(numbers) do
    local name, due = F.packed(number), dues[k]
    fields[2 * k - 1], fields[2 * k] = name, records[k]
    index[2 * k - 1], index[2 * k] = due, name
    if due ~= before then soonest, before = math.min(soonest, tonumber(due)), due end
  end
  F.written(t.due)
  redis.call('HSET', t.later, unpack(fields))
  redis.call('ZADD', t.due, unpack(index))
  if redis.call('ZADD', MOMENTS, 'LT', 'CH', F.exact(soonest), t.name) > 0 then F.wake_one(t) end
end
function F.put_later(t, number, record, due_ms)
  F.put_all_later(t, { number }, { record }, { due_ms })
end
function F.keep_rules(i)
  return {
    idMs = tonumber(ARGV[i]), idCount = tonumber(ARGV[i + 1]),
    completed = { tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]) },
    dead = { tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]) },
    cancelled = { tonumber(ARGV[i + 6]), tonumber(ARGV[i + 7]) },
  }
end
local KEEP_ARGS = 8
local STATE_LETTER = { completed = 'c', dead = 'd', cancelled = 'x' }
function F.bound(index, hash, count, stats, most)
  local over = redis.call('ZCARD', index) - count
  if over <= 0 then return end
  local oldest = redis.call('ZPOPMIN', index, math.min(over, most))
  local names = {}
  for k = 1, #oldest, 2 do names[#names + 1] = oldest[k] end
  redis.call('HDEL', hash, unpack(names))
  redis.call('HINCRBY', stats, 'dropped', #oldest / 2)
end
local SURPLUS_PER_CALL = 20
local added_to = {}
function F.bound_later(index, hash, count, stats, added)
  local known = added_to[index]
  if known then
    known.added = known.added + added
  else
    added_to[index] = { hash = hash, count = count, stats = stats, added = added }
  end
end
function F.save_bounds()
  for index, a in pairs(added_to) do
    F.bound(index, a.hash, a.count, a.stats, a.added + SURPLUS_PER_CALL)
  end
  added_to = {}
end
function F.remember_ends(t, ids, numbers, state, keep, now_ms)
  local named, owners = {}, {}
  for k, id in ipairs(ids) do
    if id ~= '' then named[#named + 1], owners[#named + 1] = id, numbers[k] end
  end
  if #named == 0 then return end
  local entries, ours = redis.call('HMGET', t.ids, unpack(named)), {}
  local letter, kept_ms = ':' .. STATE_LETTER[state], keep[state][2] > 0 and keep[state][1] or 0
  local fields, index, til = {}, {}, F.whole(math.floor(now_ms) + math.max(keep.idMs, kept_ms))
  for k, id in ipairs(named) do
    local number, entry = owners[k], entries[k]
    if not entry or entry == number or string.match(entry, '^%d+') == number then
      local n = #ours + 1
      ours[n], fields[2 * n - 1], fields[2 * n] = id, id, number .. letter
      index[2 * n - 1], index[2 * n] = til, id
    end
  end
  if #ours == 0 then return end
  if math.max(keep.idMs, kept_ms) <= 0 then
    redis.call('HDEL', t.ids, unpack(ours))
    return
  end
  redis.call('HSET', t.ids, unpack(fields))
  redis.call('ZADD', t.idends, unpack(index))
  F.bound_later(t.idends, t.ids, keep.idCount, t.stats, #ours)
end
function F.ended_text(letter, at, counts, detail, record)
  return letter .. '|' .. at .. '|' .. (counts or '') .. '|' .. detail .. '\\n' .. record
end
function F.end_job(t, number, state, id, detail, keep, now_ms, record)
  now_ms = math.floor(now_ms)
  local rule = keep[state]
  if rule[2] > 0 then
    record = record or redis.call('HGET', t.jobs, number)
    if record then
      local at, counts = F.whole(now_ms), F.exists(t.tries) and redis.call('HGET', t.tries, number)
      local text = F.ended_text(STATE_LETTER[state], at, counts, detail, record)
      redis.call('HSET', t.ended, number, text)
      redis.call('ZADD', t[state], at, number)
      F.bound_later(t[state], t.ended, rule[2], t.stats, 1)
    end
  end
  redis.call('HDEL', t.jobs, number)
  redis.call('SREM', t.claimed, number)
  if F.exists(t.tries) and redis.call('HDEL', t.tries, number) == 1 then
    redis.call('HDEL', t.errors, number)
  end
  if F.exists(CANCELS) then redis.call('HDEL', CANCELS, number) end
  if F.exists(PROGRESS) then redis.call('HDEL', PROGRESS, number) end
  redis.call('HINCRBY', t.stats, state, 1)
  if id ~= '' then F.remember_ends(t, { id }, { number }, state, keep, now_ms) end
end
local function known(t, id, now_ms)
  local entry = redis.call('HGET', t.ids, id)
  if not entry then return nil end
  local number, ended = string.match(entry, '^(%d+):?(%a?)$')
  if ended ~= '' then
    local til = tonumber(redis.call('ZSCORE', t.idends, id) or '0')
    if til <= now_ms then return nil end
    return number, ended, ''
  end
  if redis.call('SISMEMBER', t.claimed, number) == 1 then return number, 'a', '' end
  if redis.call('HEXISTS', t.jobs, number) == 1 then return number, 'r', '' end
  local due = F.due_of_later(t, number)
  if due then return number, 's', due end
  return nil
end
function F.due_of(text, now_ms)
  if text == '' then return nil end
  local ms = tonumber(string.sub(text, 2))
  if string.sub(text, 1, 1) == '+' then ms = now_ms + ms end
  if ms <= now_ms then return nil end
  return F.exact(math.ceil(ms * 1000) / 1000)
end
function F.known_text(t, id, now_ms)
  local there, state, due = known(t, id, now_ms)
  return there and there .. ',0,' .. state .. ',' .. due or nil
end
function F.name_job(t, id, number)
  redis.call('HSET', t.ids, id, number)
  redis.call('ZREM', t.idends, id)
end
function F.save_job(t, number, job, now_ms)
  if job.id ~= '' then
    local there = F.known_text(t, job.id, now_ms)
    if there then return there, false end
    F.name_job(t, job.id, number)
  end
  redis.call('HINCRBY', t.stats, 'pushed', 1)
  local due = F.due_of(job.due, now_ms)
  if due then
    F.put_later(t, number, job.record, due)
    return number .. ',1,s,' .. due, false
  end
  redis.call('HSET', t.jobs, number, job.record)
  F.join(t, number, job.priority, 0, nil, number)
  return number .. ',1,r,', true
end
function F.mark_cancelled(t, number)
  F.written(CANCELS)
  local marked = redis.call('HSETNX', CANCELS, number, '1')
  local lease = F.lease_of(t, number)
  if lease then
    local message = 'c' .. lease.fence .. ' ' .. number .. ' ' .. t.name
    redis.call('PUBLISH', CHANNEL .. F.owner_of(lease), message)
  end
  return marked
end
function F.end_waiting(t, number, keep, now_ms)
  F.single_out(t, { number })
  local record = redis.call('HGET', t.jobs, number) or F.record_of_later(t, number)
  local head = F.head_of(record)
  F.drop_later(t, number)
  F.end_job(t, number, 'cancelled', head.i or '', '{}', keep, now_ms, record)
  return head
end
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
function F.stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end
function F.group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end
function F.member_of(s)
  return s.wake and F.group_of(s) .. F.stamp(s.wake) .. s.id or nil
end
function F.parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = F.member_of(s), F.group_of(s)
  return s
end
function F.read_schedule(id)
  local texts = redis.call('HMGET', SCHEDULES, 'd' .. id, 's' .. id)
  return texts[1] and F.parse_schedule(id, texts[1], texts[2]) or nil
end
local touched = {}
local MOST_KEPT = 100
local INSTANCE = string.sub(SESSION, #META + 5, #META + 12)
function F.lines_of(field)
  local lines = {}
  for line in string.gmatch(redis.call('HGET', SCHEDULES, field) or '', '[^\\n]+') do
    lines[#lines + 1] = line
  end
  return lines
end
function F.load_fired(s)
  if s.fired_lines then return end
  s.fired_lines, s.last_fired = F.lines_of('f' .. s.id), -math.huge
  for _, line in ipairs(s.fired_lines) do
    s.last_fired = math.max(s.last_fired, tonumber(string.match(line, '^%S+')))
  end
end
function F.note_fired(s, at, number, how)
  F.load_fired(s)
  local lag = tonumber(number) - at * 1000
  s.fired_lines[#s.fired_lines + 1] =
    string.format('%.0f %.0f %s %s', at, lag, how, INSTANCE)
  s.last_fired, s.fired_changed = math.max(s.last_fired, at), true
end
function F.write_lines(field, lines)
  local from = math.max(1, #lines - MOST_KEPT + 1)
  redis.call('HSET', SCHEDULES, field, table.concat(lines, '\\n', from))
end
function F.write_ledger(s)
  if s.fired_changed then F.write_lines('f' .. s.id, s.fired_lines) end
  if s.passed_changed then F.write_lines('u' .. s.id, s.passed_lines) end
  s.fired_changed, s.passed_changed = false, false
end
local ALLOW, SKIP, BUFFER_ONE, CANCEL_OTHER = 0, 1, 2, 4
local MOST_BUFFERED = 1000
local MOST_SOUGHT = 50
function F.occurrence_of(entry)
  local at, catchup, missed, how = string.match(entry, '^(%S+),(%d),(%d+),(%a)$')
  if not at then return nil end
  return { at = tonumber(at), catchup = catchup == '1', missed = tonumber(missed), how = how }
end
function F.write_text(field, text)
  if text == '' then
    redis.call('HDEL', SCHEDULES, field)
  else
    redis.call('HSET', SCHEDULES, field, text)
  end
end
function F.waiting_in(buffer)
  if buffer == '' then return 0 end
  local n, at = 1, string.find(buffer, ' ', 1, true)
  while at do n, at = n + 1, string.find(buffer, ' ', at + 1, true) end
  return n
end
function F.cut_first(text, between)
  local stop = string.find(text, between, 1, true)
  if not stop then return text, '' end
  return string.sub(text, 1, stop - 1), string.sub(text, stop + 1)
end
function F.number_in(line)
  return string.match(line, '^%d+')
end
function F.load_overlap(t, s)
  if s.open then return end
  s.open, s.opened = redis.call('HGET', SCHEDULES, 'o' .. s.id) or '', {}
  s.buffer, s.buffered = redis.call('HGET', SCHEDULES, 'b' .. s.id) or '', {}
  s.waiting = F.waiting_in(s.buffer)
  for _ = 1, MOST_SOUGHT do
    local line, rest = F.cut_first(s.open, '\\n')
    local number = F.number_in(line)
    if line == '' or (number and (redis.call('HEXISTS', t.jobs, number) == 1
      or F.is_later(t, number))) then
      return
    end
    s.open = rest
  end
end
function F.has_open(s)
  return s.open ~= '' or #s.opened > 0
end
function F.joined(text, more, between)
  if #more == 0 then return text end
  local added = table.concat(more, between)
  return text == '' and added or text .. between .. added
end
function F.write_overlap(s)
  if not s.open then return end
  F.write_text('o' .. s.id, F.joined(s.open, s.opened, '\\n'))
  F.write_text('b' .. s.id, F.joined(s.buffer, s.buffered, ' '))
end
function F.json_id(s, o)
  return string.match(s.head, '"s":"(.*)"$') .. '@' .. F.whole(o.at)
end
function F.record_of(s, o, tracked)
  s.payload = s.payload or redis.call('HGET', SCHEDULES, 'p' .. s.id) or ''
  local head = s.head
  if o.how == 'b' then
    head = '{"i":"' .. F.json_id(s, o) .. '",' .. string.sub(head, 2)
  end
  return table.concat({
    head, ',"o":', F.whole(o.at), o.catchup and ',"c":1' or '',
    o.missed > 0 and ',"m":' .. F.whole(o.missed) or '', tracked and ',"x":1' or '', '}\\n',
    s.payload,
  })
end
function F.make_job(t, s, o, tracked, now)
  local number = F.digits(F.take_numbers('number', 1, now))
  local record = F.record_of(s, o, tracked)
  local id = o.how == 'b' and s.id .. '@' .. F.whole(o.at) or ''
  local job = { id = id, due = '', priority = F.priority_of(record), record = record }
  local answer, created = F.save_job(t, number, job, now / 1000)
  if created then
    F.note_fired(s, o.at, number, o.how)
    if tracked then
      F.load_overlap(t, s)
      s.opened[#s.opened + 1] = id == '' and number or number .. ' "' .. F.json_id(s, o) .. '"'
    end
  end
  return answer, created, #record
end
function F.release(t, s, now)
  local released = false
  s.buffer, s.buffered = F.joined(s.buffer, s.buffered, ' '), {}
  while not F.has_open(s) and s.buffer ~= '' do
    local entry
    entry, s.buffer = F.cut_first(s.buffer, ' ')
    s.waiting = s.waiting - 1
    local o = F.occurrence_of(entry)
    if o then
      local _, created = F.make_job(t, s, o, true, now)
      released = released or created
    end
  end
  return released
end
function F.place_of_line(text, number, from)
  local at = string.find(text, number, from, true)
  while at do
    local before, after = string.byte(text, at - 1), string.byte(text, at + #number)
    if (at == 1 or before == 10) and (not after or after == 10 or after == 32) then
      return at, (string.find(text, '\\n', at, true) or #text + 1) - at
    end
    at = string.find(text, number, at + 1, true)
  end
end
local over = {}
function F.job_ended(t, id, number, now)
  local known = over[id]
  if not known then
    local text = redis.call('HGET', SCHEDULES, 'o' .. id) or ''
    known = { text = text, cuts = {}, left = #text, last = 1 }
    over[id] = known
  end
  local at, size = F.place_of_line(known.text, number, known.last)
  if not at then at, size = F.place_of_line(known.text, number, 1) end
  if not at or known.cuts[at] then return end
  known.cuts[at], known.last, known.left = size, at, known.left - size - 1
  if known.left > 0 then return end
  over[id] = nil
  redis.call('HDEL', SCHEDULES, 'o' .. id)
  if redis.call('HEXISTS', SCHEDULES, 'b' .. id) == 0 then return end
  local s = F.read_schedule(id)
  if not s or s.task ~= t.name then return end
  s.open, s.opened = '', {}
  s.buffer, s.buffered = redis.call('HGET', SCHEDULES, 'b' .. id) or '', {}
  s.waiting = F.waiting_in(s.buffer)
  local released = F.release(t, s, now)
  F.write_overlap(s)
  F.write_ledger(s)
  if released then F.wake_one(t) end
end
function F.save_ends()
  F.save_bounds()
  for id, known in pairs(over) do
    if next(known.cuts) then
      redis.call('HSET', SCHEDULES, 'o' .. id, F.without_cuts(known.text, known.cuts, 10))
    end
  end
  over = {}
end
local t = F.task_keys(1, ARGV[1])
local keep, now = F.keep_rules(4), now_us()
local now_ms = now / 1000
local number, ended = F.find_number(t, ARGV[2], ARGV[3], now_ms)
if not number then return {} end
if ended then return { ended, '0' } end
local state = F.place_of(t, number)
if not state then return {} end
if state == 'running' then
  return { 'cancelling', tostring(F.mark_cancelled(t, number)) }
end
if state ~= 'ready' and state ~= 'scheduled' then return { state, '0' } end
local head = F.end_waiting(t, number, keep, now_ms)
if head.x == 1 and head.s then F.job_ended(t, head.s, number, now) end
F.save_ends()
return { 'cancelled', '1' }
`,
  },
  "counts": {
    sha1: "26d278074352c044339c93c29df94ee7a544eb1a",
    text: `#!lua flags=allow-oom
local F = {task_keys=0,bundles_of=0}
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], claimed = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17], bundles = KEYS[b + 18],
  }
end
local NUMBER_SIZE = 16
local TWO_DIGITS = '00010203040506070809101112131415161718192021222324'
  .. '25262728293031323334353637383940414243444546474849'
  .. '50515253545556575859606162636465666768697071727374'
  .. '75767778798081828384858687888990919293949596979899'
local heads = {}
local rare_left, seen_rare = math.huge, {}
local BUNDLE_SIZE, SLICE_SIZE = 14, 20
local COUNTERS = 3
local LETTER_R, LETTER_A, LETTER_GONE, COLON = 114, 97, 45, 58
function F.bundles_of(t)
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
local SPELLED = '@00 @01 @02 @03 @04 @05 @06 @07 @08 @09 @10 @11 @12 @13 @14 @15 @16 @17 @18 @19 '
  .. '@20 @21 @22 @23 @24 @25 @26 @27 @28 @29 @30 @31 @32 @33 @34 @35 @36 @37 @38 @39 '
  .. '@40 @41 @42 @43 @44 @45 @46 @47 @48 @49 @50 @51 @52 @53 @54 @55 @56 @57 @58 @59 '
  .. '@60 @61 @62 @63 @64 @65 @66 @67 @68 @69 @70 @71 @72 @73 @74 @75 @76 @77 @78 @79 '
  .. '@80 @81 @82 @83 @84 @85 @86 @87 @88 @89 @90 @91 @92 @93 @94 @95 @96 @97 @98 @99'
local FEW_WANTED = 3
local t = F.task_keys(1, ARGV[1])
local names = { 'pushed', 'completed', 'dead', 'cancelled', 'failures', 'crashes', 'dropped' }
local totals = redis.call('HMGET', t.stats, unpack(names))
for k = 1, #names do totals[k] = totals[k] or '0' end
local b = F.bundles_of(t) or { jobs = 0, running = 0 }
return {
  redis.call('HLEN', t.later), redis.call('HLEN', t.jobs) + b.jobs,
  redis.call('SCARD', t.claimed) + math.max(0, b.running),
  redis.call('ZCARD', t.completed), redis.call('ZCARD', t.dead), redis.call('ZCARD', t.cancelled),
  totals,
}
`,
  },
  "fire": {
    sha1: "03bf1fd002eb4c12c39444e1e94d9a1e6400d231",
    text: `#!lua
local F = {task_keys=0,whole=0,exact=0,digits=0,raised=0,take_numbers=0,wake_one=0,exists=0,written=0,packed=0,record_of_later=0,is_later=0,due_of_later=0,drop_later=0,head_of=0,priority_of=0,last_in_line=0,join=0,put_all_later=0,put_later=0,keep_rules=0,bound=0,bound_later=0,save_bounds=0,remember_ends=0,ended_text=0,end_job=0,due_of=0,known_text=0,name_job=0,save_job=0,bundles_of=0,slice_in=0,read_states=0,set_states=0,save_bundles=0,text_between=0,read_text=0,place_in_bundle=0,read_states_of=0,records_in=0,record_in=0,by_bundle=0,leave_bundles=0,single_out=0,is_handed=0,parse_lease=0,read_lease=0,letters_of=0,place_in_slice=0,owner_of=0,find_member=0,place_of_member=0,without_cuts=0,lease_of=0,mark_cancelled=0,end_waiting=0,stamp=0,group_of=0,wake_of=0,member_of=0,parse_schedule=0,read_schedule=0,touch=0,write_state=0,refresh_group=0,refresh_groups=0,lines_of=0,load_fired=0,note_fired=0,note_passed=0,pass_one=0,write_lines=0,write_ledger=0,occurrence_of=0,text_of=0,write_text=0,waiting_in=0,cut_first=0,number_in=0,load_overlap=0,has_open=0,joined=0,write_overlap=0,json_id=0,record_of=0,make_job=0,release=0,cancel_open=0,give_up_waiting=0,fire_occurrence=0,save_ends=0,held_until=0,is_paused=0,is_as_seen=0,read_decisions=0,decide=0,has_room=0,fire=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], claimed = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17], bundles = KEYS[b + 18],
  }
end
function F.whole(n)
  return string.format('%.0f', n)
end
function F.exact(ms)
  return string.format('%.3f', ms)
end
local NUMBER_SIZE = 16
function F.digits(n)
  return string.format('%016.0f', n)
end
function F.raised(field, last, count, now)
  local first = math.max(last + 1, now)
  redis.call('HSET', META, field, F.digits(first + count - 1))
  return first
end
function F.take_numbers(field, count, now)
  return F.raised(field, tonumber(redis.call('HGET', META, field) or '0'), count, now)
end
local TWO_DIGITS = '00010203040506070809101112131415161718192021222324'
  .. '25262728293031323334353637383940414243444546474849'
  .. '50515253545556575859606162636465666768697071727374'
  .. '75767778798081828384858687888990919293949596979899'
local heads = {}
local MOST_DEAD = 200
function F.wake_one(t)
  for _ = 1, MOST_DEAD do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return false end
    if redis.call('PUBLISH', CHANNEL .. sleeper, 't' .. t.name) > 0 then return true end
  end
  return false
end
local rare_left, seen_rare = math.huge, {}
function F.exists(key)
  if seen_rare[key] ~= nil then return seen_rare[key] end
  if rare_left == 0 then return false end
  seen_rare[key] = redis.call('EXISTS', key) == 1
  if seen_rare[key] then rare_left = rare_left - 1 end
  return seen_rare[key]
end
function F.written(key)
  seen_rare[key] = true
end
local PACKED_FROM, PACKED_BELOW = 1750000000000000, 1750000000000000 + 254 * 2 ^ 40
function F.packed(number)
  local n = tonumber(number) or 0
  if n < PACKED_FROM then return '\\0' .. number end
  if n >= PACKED_BELOW then return '\\255' .. number end
  n = n - PACKED_FROM
  local f = n % 256
  n = (n - f) / 256
  local e = n % 256
  n = (n - e) / 256
  local d = n % 256
  n = (n - d) / 256
  local c = n % 256
  n = (n - c) / 256
  local b = n % 256
  return string.char((n - b) / 256 + 1, b, c, d, e, f)
end
function F.record_of_later(t, number)
  return redis.call('HGET', t.later, F.packed(number))
end
function F.is_later(t, number)
  return redis.call('HEXISTS', t.later, F.packed(number)) == 1
end
function F.due_of_later(t, number)
  return redis.call('ZSCORE', t.due, F.packed(number))
end
function F.drop_later(t, number)
  local name = F.packed(number)
  redis.call('HDEL', t.later, name)
  redis.call('ZREM', t.due, name)
end
function F.head_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return {} end
  local ok, head = pcall(cjson.decode, string.sub(record, 1, stop - 1))
  return ok and type(head) == 'table' and head or {}
end
function F.priority_of(record)
  if not string.find(record, '"p":', 1, true) then return '0' end
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return '0' end
  return string.match(string.sub(record, 1, stop - 1), '"p":(-?%d+)') or '0'
end
local ALONE_AFTER = 3
function F.last_in_line(number, order)
  return order == number and '1' .. number or '1' .. order .. ':' .. number
end
function F.join(t, number, priority, row, now, order)
  if row >= ALONE_AFTER then
    F.written(t.alone)
    redis.call('RPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('RPUSH', t.ready, number)
  else
    F.written(t.prio)
    order = order or F.digits(F.take_numbers('number', 1, now))
    redis.call('ZADD', t.prio, priority, F.last_in_line(number, order))
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
function F.put_all_later(t, numbers, records, dues)
  local fields, index, soonest, before = {}, {}, math.huge, nil
  for k, number in ipairs(numbers) do
    local name, due = F.packed(number), dues[k]
    fields[2 * k - 1], fields[2 * k] = name, records[k]
    index[2 * k - 1], index[2 * k] = due, name
    if due ~= before then soonest, before = math.min(soonest, tonumber(due)), due end
  end
  F.written(t.due)
  redis.call('HSET', t.later, unpack(fields))
  redis.call('ZADD', t.due, unpack(index))
  if redis.call('ZADD', MOMENTS, 'LT', 'CH', F.exact(soonest), t.name) > 0 then F.wake_one(t) end
end
function F.put_later(t, number, record, due_ms)
  F.put_all_later(t, { number }, { record }, { due_ms })
end
function F.keep_rules(i)
  return {
    idMs = tonumber(ARGV[i]), idCount = tonumber(ARGV[i + 1]),
    completed = { tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]) },
    dead = { tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]) },
    cancelled = { tonumber(ARGV[i + 6]), tonumber(ARGV[i + 7]) },
  }
end
local KEEP_ARGS = 8
local STATE_LETTER = { completed = 'c', dead = 'd', cancelled = 'x' }
function F.bound(index, hash, count, stats, most)
  local over = redis.call('ZCARD', index) - count
  if over <= 0 then return end
  local oldest = redis.call('ZPOPMIN', index, math.min(over, most))
  local names = {}
  for k = 1, #oldest, 2 do names[#names + 1] = oldest[k] end
  redis.call('HDEL', hash, unpack(names))
  redis.call('HINCRBY', stats, 'dropped', #oldest / 2)
end
local SURPLUS_PER_CALL = 20
local added_to = {}
function F.bound_later(index, hash, count, stats, added)
  local known = added_to[index]
  if known then
    known.added = known.added + added
  else
    added_to[index] = { hash = hash, count = count, stats = stats, added = added }
  end
end
function F.save_bounds()
  for index, a in pairs(added_to) do
    F.bound(index, a.hash, a.count, a.stats, a.added + SURPLUS_PER_CALL)
  end
  added_to = {}
end
function F.remember_ends(t, ids, numbers, state, keep, now_ms)
  local named, owners = {}, {}
  for k, id in ipairs(ids) do
    if id ~= '' then named[#named + 1], owners[#named + 1] = id, numbers[k] end
  end
  if #named == 0 then return end
  local entries, ours = redis.call('HMGET', t.ids, unpack(named)), {}
  local letter, kept_ms = ':' .. STATE_LETTER[state], keep[state][2] > 0 and keep[state][1] or 0
  local fields, index, til = {}, {}, F.whole(math.floor(now_ms) + math.max(keep.idMs, kept_ms))
  for k, id in ipairs(named) do
    local number, entry = owners[k], entries[k]
    if not entry or entry == number or string.match(entry, '^%d+') == number then
      local n = #ours + 1
      ours[n], fields[2 * n - 1], fields[2 * n] = id, id, number .. letter
      index[2 * n - 1], index[2 * n] = til, id
    end
  end
  if #ours == 0 then return end
  if math.max(keep.idMs, kept_ms) <= 0 then
    redis.call('HDEL', t.ids, unpack(ours))
    return
  end
  redis.call('HSET', t.ids, unpack(fields))
  redis.call('ZADD', t.idends, unpack(index))
  F.bound_later(t.idends, t.ids, keep.idCount, t.stats, #ours)
end
function F.ended_text(letter, at, counts, detail, record)
  return letter .. '|' .. at .. '|' .. (counts or '') .. '|' .. detail .. '\\n' .. record
end
function F.end_job(t, number, state, id, detail, keep, now_ms, record)
  now_ms = math.floor(now_ms)
  local rule = keep[state]
  if rule[2] > 0 then
    record = record or redis.call('HGET', t.jobs, number)
    if record then
      local at, counts = F.whole(now_ms), F.exists(t.tries) and redis.call('HGET', t.tries, number)
      local text = F.ended_text(STATE_LETTER[state], at, counts, detail, record)
      redis.call('HSET', t.ended, number, text)
      redis.call('ZADD', t[state], at, number)
      F.bound_later(t[state], t.ended, rule[2], t.stats, 1)
    end
  end
  redis.call('HDEL', t.jobs, number)
  redis.call('SREM', t.claimed, number)
  if F.exists(t.tries) and redis.call('HDEL', t.tries, number) == 1 then
    redis.call('HDEL', t.errors, number)
  end
  if F.exists(CANCELS) then redis.call('HDEL', CANCELS, number) end
  if F.exists(PROGRESS) then redis.call('HDEL', PROGRESS, number) end
  redis.call('HINCRBY', t.stats, state, 1)
  if id ~= '' then F.remember_ends(t, { id }, { number }, state, keep, now_ms) end
end
local function known(t, id, now_ms)
  local entry = redis.call('HGET', t.ids, id)
  if not entry then return nil end
  local number, ended = string.match(entry, '^(%d+):?(%a?)$')
  if ended ~= '' then
    local til = tonumber(redis.call('ZSCORE', t.idends, id) or '0')
    if til <= now_ms then return nil end
    return number, ended, ''
  end
  if redis.call('SISMEMBER', t.claimed, number) == 1 then return number, 'a', '' end
  if redis.call('HEXISTS', t.jobs, number) == 1 then return number, 'r', '' end
  local due = F.due_of_later(t, number)
  if due then return number, 's', due end
  return nil
end
function F.due_of(text, now_ms)
  if text == '' then return nil end
  local ms = tonumber(string.sub(text, 2))
  if string.sub(text, 1, 1) == '+' then ms = now_ms + ms end
  if ms <= now_ms then return nil end
  return F.exact(math.ceil(ms * 1000) / 1000)
end
function F.known_text(t, id, now_ms)
  local there, state, due = known(t, id, now_ms)
  return there and there .. ',0,' .. state .. ',' .. due or nil
end
function F.name_job(t, id, number)
  redis.call('HSET', t.ids, id, number)
  redis.call('ZREM', t.idends, id)
end
function F.save_job(t, number, job, now_ms)
  if job.id ~= '' then
    local there = F.known_text(t, job.id, now_ms)
    if there then return there, false end
    F.name_job(t, job.id, number)
  end
  redis.call('HINCRBY', t.stats, 'pushed', 1)
  local due = F.due_of(job.due, now_ms)
  if due then
    F.put_later(t, number, job.record, due)
    return number .. ',1,s,' .. due, false
  end
  redis.call('HSET', t.jobs, number, job.record)
  F.join(t, number, job.priority, 0, nil, number)
  return number .. ',1,r,', true
end
local BUNDLE_SIZE, SLICE_SIZE = 14, 20
local COUNTERS = 3
local LETTER_R, LETTER_A, LETTER_GONE, COLON = 114, 97, 45, 58
function F.bundles_of(t)
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
local SPELLED = '@00 @01 @02 @03 @04 @05 @06 @07 @08 @09 @10 @11 @12 @13 @14 @15 @16 @17 @18 @19 '
  .. '@20 @21 @22 @23 @24 @25 @26 @27 @28 @29 @30 @31 @32 @33 @34 @35 @36 @37 @38 @39 '
  .. '@40 @41 @42 @43 @44 @45 @46 @47 @48 @49 @50 @51 @52 @53 @54 @55 @56 @57 @58 @59 '
  .. '@60 @61 @62 @63 @64 @65 @66 @67 @68 @69 @70 @71 @72 @73 @74 @75 @76 @77 @78 @79 '
  .. '@80 @81 @82 @83 @84 @85 @86 @87 @88 @89 @90 @91 @92 @93 @94 @95 @96 @97 @98 @99'
function F.slice_in(entry)
  local bundle, from, to = string.match(entry, '^(%d+):(%d%d)%-(%d%d)$')
  if not bundle or #entry ~= SLICE_SIZE or from > to then return nil end
  return bundle, tonumber(from), tonumber(to)
end
function F.read_states(b, key, bundles)
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
function F.set_states(b, bundle, states)
  b.states[bundle], b.changed[bundle], b.is_changed = states, true, true
end
function F.save_bundles(t)
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
  if b.jobs <= 0 and b.entries <= 0 and #fields == 0
      and redis.call('HLEN', t.bundles) <= COUNTERS then
    redis.call('HDEL', t.bundles, 'n', 'a', 'e')
    return
  end
  redis.call('HSET', t.bundles, 'n', F.whole(b.jobs), 'a', F.whole(b.running), 'e', F.whole(b.entries),
    unpack(fields))
end
function F.text_between(text, from, to, size)
  if size then return string.sub(text, from * (size + 1) + 1, (to + 1) * (size + 1) - 1) end
  local first, at = 1, 0
  for _ = 1, from do first = (string.find(text, '\\0', first, true) or #text) + 1 end
  at = first
  for k = from, to do
    local stop = string.find(text, '\\0', at, true)
    if not stop then return string.sub(text, first) end
    at = stop + 1
  end
  return string.sub(text, first, at - 2)
end
function F.read_text(t, bundle)
  local b = t.bundled
  b.texts = b.texts or {}
  b.texts[bundle] = b.texts[bundle] or redis.call('HGET', t.bundles, bundle)
  return b.texts[bundle]
end
function F.place_in_bundle(b, number)
  local bundle = string.sub(number, 1, BUNDLE_SIZE)
  local states = b.states[bundle]
  if not states or #number ~= NUMBER_SIZE then return nil end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1))
  if not place then return nil end
  local letter = string.sub(states, place + 1, place + 1)
  if letter ~= 'r' and letter ~= 'a' then return nil end
  return bundle, place, letter
end
function F.read_states_of(t, numbers)
  local bundles, before, wanted = {}, nil, t.bundled.wanted
  for _, number in ipairs(numbers) do
    local bundle = string.sub(number, 1, BUNDLE_SIZE)
    if bundle ~= before then bundles[#bundles + 1], before = bundle, bundle end
    wanted[bundle] = (wanted[bundle] or 0) + 1
  end
  F.read_states(t.bundled, t.bundles, bundles)
end
function F.records_in(t, bundle)
  local b = t.bundled
  b.records = b.records or {}
  if b.records[bundle] then return b.records[bundle] end
  local text, records, from = F.read_text(t, bundle), {}, 1
  while text do
    local stop = string.find(text, '\\0', from, true)
    records[#records + 1] = string.sub(text, from, (stop or 0) - 1)
    if not stop then break end
    from = stop + 1
  end
  b.records[bundle] = records
  return records
end
local FEW_WANTED = 3
function F.record_in(t, bundle, place)
  if t.bundled.wanted[bundle] > FEW_WANTED then return F.records_in(t, bundle)[place + 1] end
  local text = F.read_text(t, bundle)
  local record = text and F.text_between(text, place, place)
  return record ~= '' and record or nil
end
function F.by_bundle(numbers)
  local places, bundles, others, sub, byte = {}, {}, {}, string.sub, string.byte
  for k = 1, #numbers do
    local number = numbers[k]
    local tens, ones = byte(number, BUNDLE_SIZE + 1, BUNDLE_SIZE + 2)
    if #number == NUMBER_SIZE and tens >= 48 and ones >= 48 and tens <= 57 and ones <= 57 then
      local bundle = sub(number, 1, BUNDLE_SIZE)
      local here = places[bundle]
      if not here then
        here = {}
        places[bundle], bundles[#bundles + 1] = here, bundle
      end
      here[#here + 1] = 10 * tens + ones - 528
    else
      others[#others + 1] = number
    end
  end
  return places, bundles, others
end
function F.leave_bundles(t, numbers)
  local b = F.bundles_of(t)
  if not b then return numbers end
  local places, bundles, others = F.by_bundle(numbers)
  F.read_states(b, t.bundles, bundles)
  for _, bundle in ipairs(bundles) do
    local letters, here = b.states[bundle], places[bundle]
    local all, left, running = letters and { string.byte(letters, 1, -1) }, 0, 0
    for k = 1, #here do
      local letter = all and all[here[k] + 1]
      if letter == LETTER_R or letter == LETTER_A then
        all[here[k] + 1], left = LETTER_GONE, left + 1
        if letter == LETTER_A then running = running + 1 end
      else
        others[#others + 1] = bundle .. string.format('%02d', here[k])
      end
    end
    b.jobs, b.running = b.jobs - left, b.running - running
    if left > 0 then F.set_states(b, bundle, string.char(unpack(all))) end
  end
  return others
end
function F.single_out(t, numbers)
  if not F.bundles_of(t) then return end
  local fields, running, singled = {}, {}, {}
  F.read_states_of(t, numbers)
  for _, number in ipairs(numbers) do
    local bundle, place, letter = F.place_in_bundle(t.bundled, number)
    local record = bundle and F.record_in(t, bundle, place)
    if record then
      singled[#singled + 1] = number
      fields[#fields + 1], fields[#fields + 2] = number, record
      if letter == 'a' then running[#running + 1] = number end
    end
  end
  if #fields == 0 then return end
  redis.call('HSET', t.jobs, unpack(fields))
  if #running > 0 then redis.call('SADD', t.claimed, unpack(running)) end
  F.leave_bundles(t, singled)
  F.save_bundles(t)
end
local HANDED_MS, HANDED_LENGTH_MS = 2000, 10000
function F.is_handed(length)
  return string.byte(length) == 48
end
function F.parse_lease(fence, text)
  local a = text and string.find(text, '|', 1, true)
  local b = a and string.find(text, '|', a + 1, true)
  local c = b and string.find(text, '|', b + 1, true)
  if not c then return nil end
  local slice = c - b - 1 == SLICE_SIZE and { F.slice_in(string.sub(text, b + 1, c - 1)) } or nil
  if slice and not slice[1] then return nil end
  return {
    slice = slice, fence = fence, text = text, from = b + 1, to = c - 1, head = b, owner = a + 1,
    length = tonumber(string.sub(text, 1, a - 1)) or 0, handed = F.is_handed(text),
    task = string.sub(text, c + 1),
  }
end
function F.read_lease(fence, t)
  local lease = F.parse_lease(fence, redis.call('HGET', LEASE, fence))
  if lease and t and lease.task == t.name then lease.t = t end
  return lease
end
function F.letters_of(lease)
  local t, bundle = lease.t, lease.slice[1]
  local b = t and F.bundles_of(t)
  if not b then return nil end
  F.read_states(b, t.bundles, { bundle })
  return b.states[bundle] or nil
end
function F.place_in_slice(lease, number)
  local bundle, from, to = lease.slice[1], lease.slice[2], lease.slice[3]
  if #number ~= BUNDLE_SIZE + 2 or string.sub(number, 1, BUNDLE_SIZE) ~= bundle then return nil end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1))
  if not place or place < from or place > to then return nil end
  if lease.dropped and lease.dropped[number] then return nil end
  if lease.singled and lease.singled[number] then return number end
  local letters = F.letters_of(lease)
  return letters and string.byte(letters, place + 1) == LETTER_A and number or nil
end
local FEW = 6
local MOST_LOOKED_AFTER = 50
function F.owner_of(lease)
  return string.sub(lease.text, lease.owner, lease.head - 1)
end
function F.find_member(lease, number, from)
  local at = string.find(lease.text, number, from, true)
  local is_one = at and at < lease.to and (at - lease.from) % (NUMBER_SIZE + 1) == 0
  return is_one and #number == NUMBER_SIZE and at or nil
end
function F.place_of_member(lease, number)
  if lease.slice then return F.place_in_slice(lease, number) end
  local at = F.find_member(lease, number, lease.last or lease.from)
  if not at and lease.last then at = F.find_member(lease, number, lease.from) end
  if not at or (lease.cuts and lease.cuts[at]) then return nil end
  lease.last = at
  return at
end
function F.without_cuts(text, cuts, between)
  local places = {}
  for at in pairs(cuts) do places[#places + 1] = at end
  table.sort(places)
  local pieces, from = {}, 1
  for k, at in ipairs(places) do
    pieces[k] = string.sub(text, from, at - 1)
    from = at + cuts[at] + 1
  end
  pieces[#pieces + 1] = string.sub(text, from)
  local left = table.concat(pieces)
  return string.byte(left, -1) == between and string.sub(left, 1, -2) or left
end
local PIECE_BYTES = 8000
local MOST_BYTES_SEEN, LEASES_PER_PAGE, BYTES_PER_PAIR = 256 * 1024, 50, 50
function F.lease_of(t, number)
  local cursor, bytes = '0', 0
  repeat
    local page = redis.call('HSCAN', LEASE, cursor, 'COUNT', LEASES_PER_PAGE)
    local found = page[2]
    for k = 1, #found, 2 do
      bytes = bytes + #found[k + 1] + BYTES_PER_PAIR
      if string.find(found[k + 1], string.sub(number, 1, BUNDLE_SIZE), 1, true) then
        local lease = F.read_lease(found[k], t)
        if lease and F.place_of_member(lease, number) then return lease end
      end
    end
    cursor = page[1]
  until cursor == '0' or bytes >= MOST_BYTES_SEEN
  return nil
end
local BYTES_PER_LEASE = 200
local OF_A_BUNDLE = '^%d+|[^|]*|(%d+):%d%d%-%d%d|'
function F.mark_cancelled(t, number)
  F.written(CANCELS)
  local marked = redis.call('HSETNX', CANCELS, number, '1')
  local lease = F.lease_of(t, number)
  if lease then
    local message = 'c' .. lease.fence .. ' ' .. number .. ' ' .. t.name
    redis.call('PUBLISH', CHANNEL .. F.owner_of(lease), message)
  end
  return marked
end
function F.end_waiting(t, number, keep, now_ms)
  F.single_out(t, { number })
  local record = redis.call('HGET', t.jobs, number) or F.record_of_later(t, number)
  local head = F.head_of(record)
  F.drop_later(t, number)
  F.end_job(t, number, 'cancelled', head.i or '', '{}', keep, now_ms, record)
  return head
end
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
function F.stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end
function F.group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end
function F.wake_of(s)
  if not s.next_at or (s.paused_at and not s.paused_until) then return nil end
  local due = s.next_at + s.jitter
  return s.paused_at and math.max(s.paused_until, due) or due
end
function F.member_of(s)
  return s.wake and F.group_of(s) .. F.stamp(s.wake) .. s.id or nil
end
function F.parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = F.member_of(s), F.group_of(s)
  return s
end
function F.read_schedule(id)
  local texts = redis.call('HMGET', SCHEDULES, 'd' .. id, 's' .. id)
  return texts[1] and F.parse_schedule(id, texts[1], texts[2]) or nil
end
local touched = {}
function F.touch(group)
  if touched[group] == nil then
    touched[group] = tonumber(redis.call('ZSCORE', FIRING, group) or nil) or false
  end
end
function F.write_state(s)
  s.wake = F.wake_of(s)
  local member, group = F.member_of(s), F.group_of(s)
  local function text(n) return n and F.whole(n) or '-' end
  redis.call('HSET', SCHEDULES, 's' .. s.id, table.concat({
    text(s.next_at), text(s.wake), F.whole(s.decided), F.whole(s.fired), text(s.paused_at),
    text(s.paused_until), s.orphaned and '1' or '0', s.reason,
  }, ' '))
  if member == s.member then return end
  if s.member then
    F.touch(s.group)
    redis.call('ZREM', CURSORS, s.member)
  end
  if member then
    F.touch(group)
    redis.call('ZADD', CURSORS, 0, member)
  end
  if not (s.member and member) then
    redis.call('HINCRBY', META, 'cursors', member and 1 or -1)
  end
  s.member, s.group = member, group
end
function F.refresh_group(group)
  local first =
    redis.call('ZRANGEBYLEX', CURSORS, '[' .. group, '(' .. group .. ':', 'LIMIT', 0, 1)[1]
  if not first then
    redis.call('ZREM', FIRING, group)
    return nil
  end
  local at = tonumber(string.sub(first, #group + 1, #group + 16))
  redis.call('ZADD', FIRING, F.whole(at), group)
  return at
end
function F.refresh_groups(nearer)
  for group, before in pairs(touched) do
    local at = F.refresh_group(group)
    if nearer and at and (not before or at < before) then nearer(group) end
  end
  touched = {}
end
local MOST_KEPT = 100
local INSTANCE = string.sub(SESSION, #META + 5, #META + 12)
function F.lines_of(field)
  local lines = {}
  for line in string.gmatch(redis.call('HGET', SCHEDULES, field) or '', '[^\\n]+') do
    lines[#lines + 1] = line
  end
  return lines
end
function F.load_fired(s)
  if s.fired_lines then return end
  s.fired_lines, s.last_fired = F.lines_of('f' .. s.id), -math.huge
  for _, line in ipairs(s.fired_lines) do
    s.last_fired = math.max(s.last_fired, tonumber(string.match(line, '^%S+')))
  end
end
function F.note_fired(s, at, number, how)
  F.load_fired(s)
  local lag = tonumber(number) - at * 1000
  s.fired_lines[#s.fired_lines + 1] =
    string.format('%.0f %.0f %s %s', at, lag, how, INSTANCE)
  s.last_fired, s.fired_changed = math.max(s.last_fired, at), true
end
function F.note_passed(s, row, now_ms)
  s.passed_lines = s.passed_lines or F.lines_of('u' .. s.id)
  local lines, from, count = s.passed_lines, row.from, row.count
  local reason, last_from, last_to, last_count =
    string.match(lines[#lines] or '', '^(%a) (%S+) (%S+) (%d+) ')
  local place = #lines + 1
  if reason == row.reason and tonumber(last_to) < from then
    F.load_fired(s)
    if s.last_fired < tonumber(last_to) then
      place, from, count = #lines, tonumber(last_from), count + tonumber(last_count)
    end
  end
  lines[place] = string.format('%s %.0f %.0f %.0f %.0f %s',
    row.reason, from, row.to, count, math.floor(now_ms), INSTANCE)
  s.passed_changed = true
end
function F.pass_one(s, reason, at, now_ms)
  F.note_passed(s, { reason = reason, from = at, to = at, count = 1 }, now_ms)
end
function F.write_lines(field, lines)
  local from = math.max(1, #lines - MOST_KEPT + 1)
  redis.call('HSET', SCHEDULES, field, table.concat(lines, '\\n', from))
end
function F.write_ledger(s)
  if s.fired_changed then F.write_lines('f' .. s.id, s.fired_lines) end
  if s.passed_changed then F.write_lines('u' .. s.id, s.passed_lines) end
  s.fired_changed, s.passed_changed = false, false
end
local ALLOW, SKIP, BUFFER_ONE, CANCEL_OTHER = 0, 1, 2, 4
local MOST_BUFFERED = 1000
local MOST_SOUGHT = 50
function F.occurrence_of(entry)
  local at, catchup, missed, how = string.match(entry, '^(%S+),(%d),(%d+),(%a)$')
  if not at then return nil end
  return { at = tonumber(at), catchup = catchup == '1', missed = tonumber(missed), how = how }
end
function F.text_of(o)
  return string.format('%.0f,%d,%.0f,%s', o.at, o.catchup and 1 or 0, o.missed, o.how)
end
function F.write_text(field, text)
  if text == '' then
    redis.call('HDEL', SCHEDULES, field)
  else
    redis.call('HSET', SCHEDULES, field, text)
  end
end
function F.waiting_in(buffer)
  if buffer == '' then return 0 end
  local n, at = 1, string.find(buffer, ' ', 1, true)
  while at do n, at = n + 1, string.find(buffer, ' ', at + 1, true) end
  return n
end
function F.cut_first(text, between)
  local stop = string.find(text, between, 1, true)
  if not stop then return text, '' end
  return string.sub(text, 1, stop - 1), string.sub(text, stop + 1)
end
function F.number_in(line)
  return string.match(line, '^%d+')
end
function F.load_overlap(t, s)
  if s.open then return end
  s.open, s.opened = redis.call('HGET', SCHEDULES, 'o' .. s.id) or '', {}
  s.buffer, s.buffered = redis.call('HGET', SCHEDULES, 'b' .. s.id) or '', {}
  s.waiting = F.waiting_in(s.buffer)
  for _ = 1, MOST_SOUGHT do
    local line, rest = F.cut_first(s.open, '\\n')
    local number = F.number_in(line)
    if line == '' or (number and (redis.call('HEXISTS', t.jobs, number) == 1
      or F.is_later(t, number))) then
      return
    end
    s.open = rest
  end
end
function F.has_open(s)
  return s.open ~= '' or #s.opened > 0
end
function F.joined(text, more, between)
  if #more == 0 then return text end
  local added = table.concat(more, between)
  return text == '' and added or text .. between .. added
end
function F.write_overlap(s)
  if not s.open then return end
  F.write_text('o' .. s.id, F.joined(s.open, s.opened, '\\n'))
  F.write_text('b' .. s.id, F.joined(s.buffer, s.buffered, ' '))
end
function F.json_id(s, o)
  return string.match(s.head, '"s":"(.*)"$') .. '@' .. F.whole(o.at)
end
function F.record_of(s, o, tracked)
  s.payload = s.payload or redis.call('HGET', SCHEDULES, 'p' .. s.id) or ''
  local head = s.head
  if o.how == 'b' then
    head = '{"i":"' .. F.json_id(s, o) .. '",' .. string.sub(head, 2)
  end
  return table.concat({
    head, ',"o":', F.whole(o.at), o.catchup and ',"c":1' or '',
    o.missed > 0 and ',"m":' .. F.whole(o.missed) or '', tracked and ',"x":1' or '', '}\\n',
    s.payload,
  })
end
function F.make_job(t, s, o, tracked, now)
  local number = F.digits(F.take_numbers('number', 1, now))
  local record = F.record_of(s, o, tracked)
  local id = o.how == 'b' and s.id .. '@' .. F.whole(o.at) or ''
  local job = { id = id, due = '', priority = F.priority_of(record), record = record }
  local answer, created = F.save_job(t, number, job, now / 1000)
  if created then
    F.note_fired(s, o.at, number, o.how)
    if tracked then
      F.load_overlap(t, s)
      s.opened[#s.opened + 1] = id == '' and number or number .. ' "' .. F.json_id(s, o) .. '"'
    end
  end
  return answer, created, #record
end
function F.release(t, s, now)
  local released = false
  s.buffer, s.buffered = F.joined(s.buffer, s.buffered, ' '), {}
  while not F.has_open(s) and s.buffer ~= '' do
    local entry
    entry, s.buffer = F.cut_first(s.buffer, ' ')
    s.waiting = s.waiting - 1
    local o = F.occurrence_of(entry)
    if o then
      local _, created = F.make_job(t, s, o, true, now)
      released = released or created
    end
  end
  return released
end
function F.cancel_open(t, s, keep, now_ms)
  local left = {}
  for line in string.gmatch(F.joined(s.open, s.opened, '\\n'), '[^\\n]+') do
    local number = F.number_in(line)
    if redis.call('SISMEMBER', t.claimed, number) == 1 then
      left[#left + 1] = line
      F.mark_cancelled(t, number)
    else
      F.end_waiting(t, number, keep, now_ms)
    end
  end
  s.open, s.opened = table.concat(left, '\\n'), {}
end
function F.give_up_waiting(s, now_ms)
  for entry in string.gmatch(F.joined(s.buffer, s.buffered, ' '), '%S+') do
    local o = F.occurrence_of(entry)
    if o then F.pass_one(s, 'r', o.at, now_ms) end
  end
  s.buffer, s.buffered, s.waiting = '', {}, 0
end
function F.fire_occurrence(t, s, o, overlap, keep, now)
  local now_ms = now / 1000
  if overlap ~= ALLOW then
    F.load_overlap(t, s)
    if F.has_open(s) or s.waiting > 0 then
      if overlap == SKIP or (overlap == BUFFER_ONE and s.waiting > 0) then
        F.pass_one(s, 'v', o.at, now_ms)
        return 'sv', false, 0
      elseif overlap == CANCEL_OTHER then
        F.give_up_waiting(s, now_ms)
        F.cancel_open(t, s, keep, now_ms)
      elseif s.waiting >= MOST_BUFFERED then
        F.pass_one(s, 'f', o.at, now_ms)
        return 'sf', false, 0
      end
      if overlap ~= CANCEL_OTHER or F.has_open(s) then
        s.buffered[#s.buffered + 1], s.waiting = F.text_of(o), s.waiting + 1
        return 'b', false, 0
      end
    end
  end
  return F.make_job(t, s, o, overlap ~= ALLOW or s.overlap ~= ALLOW, now)
end
local over = {}
function F.save_ends()
  F.save_bounds()
  for id, known in pairs(over) do
    if next(known.cuts) then
      redis.call('HSET', SCHEDULES, 'o' .. id, F.without_cuts(known.text, known.cuts, 10))
    end
  end
  over = {}
end
local HOLD_MS = 5000
function F.held_until(now_ms)
  local til = tonumber(redis.call('HGET', META, 'holdTil') or nil)
  if til and til > now_ms and til <= now_ms + HOLD_MS then return til end
end
local MOST_FIRED, MOST_FIRED_BYTES = 50, 4 * 1024 * 1024
local t, keep = F.task_keys(1, ARGV[1]), F.keep_rules(2)
local now = now_us()
local now_ms = now / 1000
local made, bytes, any_ready, full = 0, 0, false, false
local held = F.held_until(now_ms)
function F.is_paused(s)
  return s.paused_at and not (s.paused_until and s.paused_until <= now_ms)
end
function F.is_as_seen(s, revision, seen, only_passes)
  if not s or s.task ~= t.name or s.revision ~= revision or s.next_at ~= seen then return false end
  if F.is_paused(s) and not only_passes then return false end
  return not (seen and seen + s.jitter > now_ms)
end
function F.read_decisions(from, n)
  local decisions, fires = {}, 0
  for k = 0, n - 1 do
    local text = ARGV[from + k]
    local at, catchup, missed = string.match(text, '^f(%-?%d+),(%d),(%d+)$')
    if at then
      local how = catchup == '1' and 'c' or 'd'
      decisions[k + 1] = {
        fires = true, at = tonumber(at), catchup = how == 'c', missed = tonumber(missed), how = how,
      }
      fires = fires + 1
    else
      local reason, first, last, count = string.match(text, '^p(%a),(%-?%d+),(%-?%d+),(%d+)$')
      decisions[k + 1] = {
        reason = reason, from = tonumber(first), to = tonumber(last), count = tonumber(count),
      }
    end
  end
  return decisions, fires
end
function F.decide(s, d)
  if not d.fires then
    F.note_passed(s, d, now_ms)
    return 'p', d.to
  elseif d.at <= s.decided then
    return 'p', d.at
  end
  local outcome, ready, size = F.fire_occurrence(t, s, d, s.overlap, keep, now)
  any_ready, bytes = any_ready or ready, bytes + size
  if ready then made = made + 1 end
  if ready or outcome == 'b' then s.fired = s.fired + 1 end
  return outcome, d.at
end
function F.has_room(s, fires)
  if made == 0 or fires == 0 then return true end
  local size = redis.call('HSTRLEN', SCHEDULES, 'p' .. s.id) + #s.head + 100
  return made + fires <= MOST_FIRED and bytes + fires * size <= MOST_FIRED_BYTES
end
function F.fire(s, decisions, seen, following)
  if s.overlap ~= ALLOW then
    F.load_overlap(t, s)
    any_ready = F.release(t, s, now) or any_ready
    made = made + math.floor(#s.buffer / 1000)
  end
  local outcomes, decided = {}, math.max(s.decided, seen or 0)
  for k, d in ipairs(decisions) do
    local outcome, at = F.decide(s, d)
    outcomes[k], decided = outcome, math.max(decided, at)
  end
  s.decided, s.next_at = decided, following
  if not F.is_paused(s) then
    s.paused_at, s.paused_until, s.orphaned, s.reason = nil, nil, false, ''
  end
  F.write_state(s)
  F.write_ledger(s)
  F.write_overlap(s)
  return '!' .. table.concat(outcomes, ';')
end
local answers, i = {}, 2 + KEEP_ARGS
while i <= #ARGV do
  local revision, seen, following = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), ARGV[i + 3]
  local n = tonumber(ARGV[i + 4])
  local s = not held and not full and F.read_schedule(ARGV[i]) or nil
  local answer = ''
  local decisions, fires = F.read_decisions(i + 5, n)
  if F.is_as_seen(s, revision, seen, n > 0 and fires == 0) then
    full = not F.has_room(s, fires)
    if not full then answer = F.fire(s, decisions, seen, tonumber(following)) end
  end
  answers[#answers + 1] = answer
  i = i + 5 + n
end
F.save_ends()
F.refresh_groups(nil)
if any_ready then F.wake_one(t) end
return answers
`,
  },
  "get": {
    sha1: "3d16a4cd3154313856f3291833d21fe3c1baac98",
    text: `#!lua flags=allow-oom
local F = {task_keys=0,bundles_of=0,slice_in=0,read_states=0,text_between=0,read_text=0,place_in_bundle=0,read_states_of=0,letter_of=0,records_in=0,record_in=0,bundled_record=0,is_handed=0,parse_lease=0,read_lease=0,letters_of=0,place_in_slice=0,find_member=0,place_of_member=0,lease_of=0,packed=0,record_of_later=0,due_of_later=0,find_number=0,place_of=0,view=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], claimed = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17], bundles = KEYS[b + 18],
  }
end
local NUMBER_SIZE = 16
local TWO_DIGITS = '00010203040506070809101112131415161718192021222324'
  .. '25262728293031323334353637383940414243444546474849'
  .. '50515253545556575859606162636465666768697071727374'
  .. '75767778798081828384858687888990919293949596979899'
local heads = {}
local rare_left, seen_rare = math.huge, {}
local BUNDLE_SIZE, SLICE_SIZE = 14, 20
local COUNTERS = 3
local LETTER_R, LETTER_A, LETTER_GONE, COLON = 114, 97, 45, 58
function F.bundles_of(t)
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
local SPELLED = '@00 @01 @02 @03 @04 @05 @06 @07 @08 @09 @10 @11 @12 @13 @14 @15 @16 @17 @18 @19 '
  .. '@20 @21 @22 @23 @24 @25 @26 @27 @28 @29 @30 @31 @32 @33 @34 @35 @36 @37 @38 @39 '
  .. '@40 @41 @42 @43 @44 @45 @46 @47 @48 @49 @50 @51 @52 @53 @54 @55 @56 @57 @58 @59 '
  .. '@60 @61 @62 @63 @64 @65 @66 @67 @68 @69 @70 @71 @72 @73 @74 @75 @76 @77 @78 @79 '
  .. '@80 @81 @82 @83 @84 @85 @86 @87 @88 @89 @90 @91 @92 @93 @94 @95 @96 @97 @98 @99'
local function spelled(bundle, from, to)
  return (string.gsub(string.sub(SPELLED, 4 * from + 1, 4 * to + 3), '@', bundle))
end
function F.slice_in(entry)
  local bundle, from, to = string.match(entry, '^(%d+):(%d%d)%-(%d%d)$')
  if not bundle or #entry ~= SLICE_SIZE or from > to then return nil end
  return bundle, tonumber(from), tonumber(to)
end
function F.read_states(b, key, bundles)
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
function F.text_between(text, from, to, size)
  if size then return string.sub(text, from * (size + 1) + 1, (to + 1) * (size + 1) - 1) end
  local first, at = 1, 0
  for _ = 1, from do first = (string.find(text, '\\0', first, true) or #text) + 1 end
  at = first
  for k = from, to do
    local stop = string.find(text, '\\0', at, true)
    if not stop then return string.sub(text, first) end
    at = stop + 1
  end
  return string.sub(text, first, at - 2)
end
function F.read_text(t, bundle)
  local b = t.bundled
  b.texts = b.texts or {}
  b.texts[bundle] = b.texts[bundle] or redis.call('HGET', t.bundles, bundle)
  return b.texts[bundle]
end
function F.place_in_bundle(b, number)
  local bundle = string.sub(number, 1, BUNDLE_SIZE)
  local states = b.states[bundle]
  if not states or #number ~= NUMBER_SIZE then return nil end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1))
  if not place then return nil end
  local letter = string.sub(states, place + 1, place + 1)
  if letter ~= 'r' and letter ~= 'a' then return nil end
  return bundle, place, letter
end
function F.read_states_of(t, numbers)
  local bundles, before, wanted = {}, nil, t.bundled.wanted
  for _, number in ipairs(numbers) do
    local bundle = string.sub(number, 1, BUNDLE_SIZE)
    if bundle ~= before then bundles[#bundles + 1], before = bundle, bundle end
    wanted[bundle] = (wanted[bundle] or 0) + 1
  end
  F.read_states(t.bundled, t.bundles, bundles)
end
function F.letter_of(t, number)
  if not F.bundles_of(t) then return nil end
  F.read_states_of(t, { number })
  local _, _, letter = F.place_in_bundle(t.bundled, number)
  return letter
end
function F.records_in(t, bundle)
  local b = t.bundled
  b.records = b.records or {}
  if b.records[bundle] then return b.records[bundle] end
  local text, records, from = F.read_text(t, bundle), {}, 1
  while text do
    local stop = string.find(text, '\\0', from, true)
    records[#records + 1] = string.sub(text, from, (stop or 0) - 1)
    if not stop then break end
    from = stop + 1
  end
  b.records[bundle] = records
  return records
end
local FEW_WANTED = 3
function F.record_in(t, bundle, place)
  if t.bundled.wanted[bundle] > FEW_WANTED then return F.records_in(t, bundle)[place + 1] end
  local text = F.read_text(t, bundle)
  local record = text and F.text_between(text, place, place)
  return record ~= '' and record or nil
end
function F.bundled_record(t, number)
  local b = F.bundles_of(t)
  if not b then return nil end
  F.read_states_of(t, { number })
  local bundle, place = F.place_in_bundle(b, number)
  return bundle and F.record_in(t, bundle, place) or nil
end
local HANDED_MS, HANDED_LENGTH_MS = 2000, 10000
function F.is_handed(length)
  return string.byte(length) == 48
end
function F.parse_lease(fence, text)
  local a = text and string.find(text, '|', 1, true)
  local b = a and string.find(text, '|', a + 1, true)
  local c = b and string.find(text, '|', b + 1, true)
  if not c then return nil end
  local slice = c - b - 1 == SLICE_SIZE and { F.slice_in(string.sub(text, b + 1, c - 1)) } or nil
  if slice and not slice[1] then return nil end
  return {
    slice = slice, fence = fence, text = text, from = b + 1, to = c - 1, head = b, owner = a + 1,
    length = tonumber(string.sub(text, 1, a - 1)) or 0, handed = F.is_handed(text),
    task = string.sub(text, c + 1),
  }
end
function F.read_lease(fence, t)
  local lease = F.parse_lease(fence, redis.call('HGET', LEASE, fence))
  if lease and t and lease.task == t.name then lease.t = t end
  return lease
end
function F.letters_of(lease)
  local t, bundle = lease.t, lease.slice[1]
  local b = t and F.bundles_of(t)
  if not b then return nil end
  F.read_states(b, t.bundles, { bundle })
  return b.states[bundle] or nil
end
function F.place_in_slice(lease, number)
  local bundle, from, to = lease.slice[1], lease.slice[2], lease.slice[3]
  if #number ~= BUNDLE_SIZE + 2 or string.sub(number, 1, BUNDLE_SIZE) ~= bundle then return nil end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1))
  if not place or place < from or place > to then return nil end
  if lease.dropped and lease.dropped[number] then return nil end
  if lease.singled and lease.singled[number] then return number end
  local letters = F.letters_of(lease)
  return letters and string.byte(letters, place + 1) == LETTER_A and number or nil
end
local FEW = 6
local MOST_LOOKED_AFTER = 50
function F.find_member(lease, number, from)
  local at = string.find(lease.text, number, from, true)
  local is_one = at and at < lease.to and (at - lease.from) % (NUMBER_SIZE + 1) == 0
  return is_one and #number == NUMBER_SIZE and at or nil
end
function F.place_of_member(lease, number)
  if lease.slice then return F.place_in_slice(lease, number) end
  local at = F.find_member(lease, number, lease.last or lease.from)
  if not at and lease.last then at = F.find_member(lease, number, lease.from) end
  if not at or (lease.cuts and lease.cuts[at]) then return nil end
  lease.last = at
  return at
end
local PIECE_BYTES = 8000
local MOST_BYTES_SEEN, LEASES_PER_PAGE, BYTES_PER_PAIR = 256 * 1024, 50, 50
function F.lease_of(t, number)
  local cursor, bytes = '0', 0
  repeat
    local page = redis.call('HSCAN', LEASE, cursor, 'COUNT', LEASES_PER_PAGE)
    local found = page[2]
    for k = 1, #found, 2 do
      bytes = bytes + #found[k + 1] + BYTES_PER_PAIR
      if string.find(found[k + 1], string.sub(number, 1, BUNDLE_SIZE), 1, true) then
        local lease = F.read_lease(found[k], t)
        if lease and F.place_of_member(lease, number) then return lease end
      end
    end
    cursor = page[1]
  until cursor == '0' or bytes >= MOST_BYTES_SEEN
  return nil
end
local BYTES_PER_LEASE = 200
local OF_A_BUNDLE = '^%d+|[^|]*|(%d+):%d%d%-%d%d|'
local PACKED_FROM, PACKED_BELOW = 1750000000000000, 1750000000000000 + 254 * 2 ^ 40
function F.packed(number)
  local n = tonumber(number) or 0
  if n < PACKED_FROM then return '\\0' .. number end
  if n >= PACKED_BELOW then return '\\255' .. number end
  n = n - PACKED_FROM
  local f = n % 256
  n = (n - f) / 256
  local e = n % 256
  n = (n - e) / 256
  local d = n % 256
  n = (n - d) / 256
  local c = n % 256
  n = (n - c) / 256
  local b = n % 256
  return string.char((n - b) / 256 + 1, b, c, d, e, f)
end
function F.record_of_later(t, number)
  return redis.call('HGET', t.later, F.packed(number))
end
function F.due_of_later(t, number)
  return redis.call('ZSCORE', t.due, F.packed(number))
end
local STATE_WORD = { c = 'completed', d = 'dead', x = 'cancelled' }
function F.find_number(t, id, spelled, now_ms)
  local entry = redis.call('HGET', t.ids, id)
  if entry then
    local number, ended = string.match(entry, '^(%d+):?(%a?)$')
    local over = ended ~= '' and tonumber(redis.call('ZSCORE', t.idends, id) or '0') <= now_ms
    if not over then return number, STATE_WORD[ended] end
  end
  if spelled ~= '' then return spelled, nil end
  return nil, nil
end
function F.place_of(t, number)
  local record = redis.call('HGET', t.jobs, number)
  if record then
    local claimed = redis.call('SISMEMBER', t.claimed, number) == 1
    return claimed and 'running' or 'ready', record, nil
  end
  record = F.bundled_record(t, number)
  if record then return F.letter_of(t, number) == 'a' and 'running' or 'ready', record, nil end
  record = F.record_of_later(t, number)
  if record then return 'scheduled', record, F.due_of_later(t, number) end
  record = redis.call('HGET', t.ended, number)
  if record then return STATE_WORD[string.sub(record, 1, 1)], record, nil end
  return nil, nil, nil
end
function F.view(t, number, leases)
  local state, record, due = F.place_of(t, number)
  if not state then return nil end
  local runs = state == 'running'
  local lease = nil
  if runs and leases then lease = leases[number] elseif runs then lease = F.lease_of(t, number) end
  local lease_ends = lease and redis.call('ZSCORE', LEASES, lease.fence) or ''
  local marked = runs and tostring(redis.call('HEXISTS', CANCELS, number)) or '0'
  return {
    number, state, record, redis.call('HGET', t.tries, number) or '', due or '',
    lease and lease.fence or '', lease_ends or '', marked,
    runs and redis.call('HGET', PROGRESS, number) or '',
    redis.call('HGET', t.errors, number) or '',
  }
end
local t = F.task_keys(1, ARGV[1])
local number, ended = F.find_number(t, ARGV[2], ARGV[3], now_us() / 1000)
if not number then return {} end
return F.view(t, number) or (ended and { number, ended } or {})
`,
  },
  "give": {
    sha1: "82319bd7a9d63adc6a37b4ef2838675b8f799334",
    text: `#!lua flags=allow-oom
local F = {whole=0,stamp=0,group_of=0,member_of=0,parse_schedule=0,read_schedule=0,touch=0,refresh_group=0,refresh_groups=0,forget_schedule=0,read_parcels=0,write_parcels=0,may_be_taken=0,open_gives=0,is_moving=0,has_left_since=0,parcel_fields=0,parse_sets=0,read_registrations=0,is_live=0,parse_offers=0,read_offers=0,offer_of=0,has_live=0,outcome_for=0,pack=0,give=0,how_often=0,is_given_often=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.whole(n)
  return string.format('%.0f', n)
end
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
function F.stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end
function F.group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end
function F.member_of(s)
  return s.wake and F.group_of(s) .. F.stamp(s.wake) .. s.id or nil
end
function F.parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = F.member_of(s), F.group_of(s)
  return s
end
function F.read_schedule(id)
  local texts = redis.call('HMGET', SCHEDULES, 'd' .. id, 's' .. id)
  return texts[1] and F.parse_schedule(id, texts[1], texts[2]) or nil
end
local touched = {}
function F.touch(group)
  if touched[group] == nil then
    touched[group] = tonumber(redis.call('ZSCORE', FIRING, group) or nil) or false
  end
end
function F.refresh_group(group)
  local first =
    redis.call('ZRANGEBYLEX', CURSORS, '[' .. group, '(' .. group .. ':', 'LIMIT', 0, 1)[1]
  if not first then
    redis.call('ZREM', FIRING, group)
    return nil
  end
  local at = tonumber(string.sub(first, #group + 1, #group + 16))
  redis.call('ZADD', FIRING, F.whole(at), group)
  return at
end
function F.refresh_groups(nearer)
  for group, before in pairs(touched) do
    local at = F.refresh_group(group)
    if nearer and at and (not before or at < before) then nearer(group) end
  end
  touched = {}
end
function F.forget_schedule(s)
  for _, letter in ipairs(KINDS_OF_FIELDS) do redis.call('HDEL', SCHEDULES, letter .. s.id) end
  redis.call('ZREM', CURSORS, 'n' .. s.id)
  redis.call('HINCRBY', META, 'schedules', -1)
  if s.member then
    F.touch(s.group)
    redis.call('ZREM', CURSORS, s.member)
    redis.call('HINCRBY', META, 'cursors', -1)
  end
  if s.is_local then redis.call('HDEL', KEEPERS, 'f' .. s.group, 'w' .. s.group) end
  F.refresh_groups(nil)
end
local TAKEN_IN_MS = 30000
local parcels = nil
function F.read_parcels()
  if parcels then return parcels end
  parcels = cjson.decode(redis.call('HGET', SCHEDULES, 'X') or '{}')
  for id, one in pairs(parcels) do
    if type(one) == 'number' then one = { one, '' } end
    if type(one[3]) ~= 'table' then one[3] = { one[3] or 0, one[1] } end
    one[4] = one[4] or one[1]
    parcels[id] = one
  end
  return parcels
end
function F.write_parcels()
  if next(parcels) == nil then
    redis.call('HDEL', SCHEDULES, 'X')
  else
    redis.call('HSET', SCHEDULES, 'X', cjson.encode(parcels))
  end
end
function F.may_be_taken(given_at, now_ms)
  return math.abs(now_ms - given_at) < TAKEN_IN_MS
end
function F.open_gives(parcel, now_ms)
  local open = {}
  for _, at in ipairs(parcel[3]) do
    if F.may_be_taken(at, now_ms) then open[#open + 1] = at end
  end
  return open
end
function F.is_moving(id, to, now_ms)
  local parcel = F.read_parcels()[id]
  return parcel ~= nil and parcel[2] ~= to and F.may_be_taken(parcel[1], now_ms)
end
function F.has_left_since(id, asked_at, now_ms)
  local at = tonumber(redis.call('HGET', META, 'left ' .. id) or '0')
  return at > asked_at and F.may_be_taken(at, now_ms)
end
function F.parcel_fields(id)
  if redis.call('HEXISTS', SCHEDULES, 'D' .. id) == 0 then return nil end
  local fields = {}
  for k, letter in ipairs(KINDS_OF_FIELDS) do
    fields[k] = redis.call('HGET', SCHEDULES, string.upper(letter) .. id) or ''
  end
  return fields
end
local MOST_SETS, SETS_REMEMBERED_MS = 200, 31 * 86400000
function F.parse_sets(text)
  local ends = {}
  for set, at in string.gmatch(text or '', '(%S+)=(%d+)') do ends[set] = tonumber(at) end
  return ends
end
function F.read_registrations()
  local m = redis.call('HMGET', META, 'sets', 'setsGrace')
  return { ends = F.parse_sets(m[1]), grace = tonumber(m[2] or '0') }
end
function F.is_live(r, set, now_ms)
  local ends = r.ends[set]
  return ends ~= nil and (ends > now_ms or now_ms < r.grace)
end
local MOST_OFFERS, MOST_SETS_PER_OFFER = 10, 30
function F.parse_offers(text)
  local offers = {}
  for digest, generation, at, sets in string.gmatch(text or '', '(%S+) (%d+) (%d+)([^\\n]*)') do
    local offer = {
      digest = digest, generation = tonumber(generation), at = tonumber(at), sets = {},
    }
    for set in string.gmatch(sets, '%S+') do offer.sets[#offer.sets + 1] = set end
    offers[#offers + 1] = offer
  end
  return offers
end
function F.read_offers(id)
  return F.parse_offers(redis.call('HGET', SCHEDULES, 'g' .. id))
end
function F.offer_of(offers, digest)
  for _, offer in ipairs(offers) do
    if offer.digest == digest then return offer end
  end
end
function F.has_live(r, offer, now_ms)
  for _, set in ipairs(offer and offer.sets or {}) do
    if F.is_live(r, set, now_ms) then return true end
  end
  return false
end
local MOST_OPEN = 20
local code, to, now_ms = ARGV[1] == '1', ARGV[2], now_us() / 1000
local this, has_given = math.floor(now_ms), false
local live = F.read_registrations()
function F.outcome_for(s)
  if code and not s.code then return 'conflict' end
  local offer = s.code and F.offer_of(F.read_offers(s.id), s.digest)
  if F.has_live(live, offer, now_ms) then return 'conflict' end
  if s.next_at and s.next_at + s.jitter <= now_ms then return 'due' end
  return 'given'
end
function F.pack(s)
  for _, letter in ipairs(KINDS_OF_FIELDS) do
    local text = redis.call('HGET', SCHEDULES, letter .. s.id)
    if text then redis.call('HSET', SCHEDULES, string.upper(letter) .. s.id, text) end
  end
  F.forget_schedule(s)
end
function F.give(id, outcome)
  local before = F.read_parcels()[id]
  local open = before and F.open_gives(before, now_ms) or {}
  local since = outcome == 'again' and before and before[4] or this
  open[#open + 1] = this
  F.read_parcels()[id] = { this, to, open, since }
  has_given = true
  return { id, outcome, F.whole(since), '', unpack(F.parcel_fields(id)) }
end
function F.how_often(id)
  return #F.open_gives(F.read_parcels()[id], now_ms) > 1 and '2' or '1'
end
function F.is_given_often(id)
  local parcel = F.read_parcels()[id]
  return parcel and #F.open_gives(parcel, now_ms) >= MOST_OPEN
end
local gone = cjson.decode(redis.call('HGET', META, 'gone') or '{}')
local found = { F.whole(this) }
for k = 3, #ARGV do
  local id = ARGV[k]
  local s = F.read_schedule(id)
  local outcome = s and F.outcome_for(s)
  if outcome == 'given' then F.pack(s) end
  if outcome == 'conflict' or outcome == 'due' then
    found[#found + 1] = { id, outcome, F.whole(s.revision), s.next_at and F.whole(s.next_at) or '' }
  elseif not s and (F.is_moving(id, to, now_ms) or F.is_given_often(id)) then
    found[#found + 1] = { id, 'moving', F.how_often(id), '' }
  elseif s or F.parcel_fields(id) then
    found[#found + 1] = F.give(id, outcome or 'again')
  elseif F.has_left_since(id, 0, now_ms) then
    found[#found + 1] = { id, 'left', '0', '' }
  end
  if gone[id] then found[#found + 1] = { id, 'gone', F.whole(gone[id]), '' } end
end
if has_given then F.write_parcels() end
return found
`,
  },
  "gone": {
    sha1: "a5c20501e5cf8b00eb472684c6118ad9f77c6728",
    text: `#!lua flags=allow-oom
local F = {stamp=0,group_of=0,member_of=0,parse_schedule=0,read_schedule=0,read_parcels=0,write_parcels=0,may_be_taken=0,has_left_since=0,parcel_revision=0,drop_parcel=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
function F.stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end
function F.group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end
function F.member_of(s)
  return s.wake and F.group_of(s) .. F.stamp(s.wake) .. s.id or nil
end
function F.parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = F.member_of(s), F.group_of(s)
  return s
end
function F.read_schedule(id)
  local texts = redis.call('HMGET', SCHEDULES, 'd' .. id, 's' .. id)
  return texts[1] and F.parse_schedule(id, texts[1], texts[2]) or nil
end
local touched = {}
local TAKEN_IN_MS = 30000
local parcels = nil
function F.read_parcels()
  if parcels then return parcels end
  parcels = cjson.decode(redis.call('HGET', SCHEDULES, 'X') or '{}')
  for id, one in pairs(parcels) do
    if type(one) == 'number' then one = { one, '' } end
    if type(one[3]) ~= 'table' then one[3] = { one[3] or 0, one[1] } end
    one[4] = one[4] or one[1]
    parcels[id] = one
  end
  return parcels
end
function F.write_parcels()
  if next(parcels) == nil then
    redis.call('HDEL', SCHEDULES, 'X')
  else
    redis.call('HSET', SCHEDULES, 'X', cjson.encode(parcels))
  end
end
function F.may_be_taken(given_at, now_ms)
  return math.abs(now_ms - given_at) < TAKEN_IN_MS
end
function F.has_left_since(id, asked_at, now_ms)
  local at = tonumber(redis.call('HGET', META, 'left ' .. id) or '0')
  return at > asked_at and F.may_be_taken(at, now_ms)
end
function F.parcel_revision(id)
  return tonumber(string.match(redis.call('HGET', SCHEDULES, 'D' .. id) or '', '^%d+')) or 0
end
function F.drop_parcel(id)
  local fields = {}
  for k, letter in ipairs(KINDS_OF_FIELDS) do fields[k] = string.upper(letter) .. id end
  redis.call('HDEL', SCHEDULES, unpack(fields))
  if not F.read_parcels()[id] then return end
  F.read_parcels()[id] = nil
  F.write_parcels()
end
local MOST, AGE_MS = 200, 7 * 86400000
local id, this = ARGV[2], math.floor(now_us() / 1000)
if ARGV[1] == 'twins' then
  local found = {}
  for k = 2, #ARGV, 2 do
    local s = F.read_schedule(ARGV[k])
    if s and s.revision >= tonumber(ARGV[k + 1]) then found[#found + 1] = ARGV[k] end
  end
  return found
end
local gone = cjson.decode(redis.call('HGET', META, 'gone') or '{}')
if ARGV[1] == 'ask' then
  if redis.call('HEXISTS', SCHEDULES, 'd' .. id) == 1 then return 'here' end
  if (gone[id] or 0) >= tonumber(ARGV[3]) then return 'gone' end
  local is_newer = F.read_parcels()[id] and F.parcel_revision(id) >= tonumber(ARGV[4])
  return (is_newer or F.has_left_since(id, 0, this)) and 'wait' or ''
end
if ARGV[1] == 'drop' then
  local parcel = F.read_parcels()[id]
  if parcel and parcel[4] <= tonumber(ARGV[3]) then F.drop_parcel(id) end
  return ''
end
gone[id] = this
local ids = {}
for one, at in pairs(gone) do
  if this - at > AGE_MS then gone[one] = nil else ids[#ids + 1] = one end
end
table.sort(ids, function(a, b) return gone[a] > gone[b] end)
for k = MOST + 1, #ids do gone[ids[k]] = nil end
redis.call('HSET', META, 'gone', cjson.encode(gone))
return ''
`,
  },
  "hold": {
    sha1: "b3c66df79ffb12170add2bbb28762af72c45e2cb",
    text: `#!lua flags=allow-oom
local F = {whole=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.whole(n)
  return string.format('%.0f', n)
end
local HOLD_MS = 5000
if redis.call('HGET', META, 'holdFor') == ARGV[1] then return 0 end
local til = math.floor(now_us() / 1000) + HOLD_MS
redis.call('HSET', META, 'holdFor', ARGV[1], 'holdTil', F.whole(til))
return 1
`,
  },
  "leave": {
    sha1: "67f025a174e54dec2b493426c5a60135b8e23fde",
    text: `#!lua flags=allow-oom
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
for k = SHARD_KEYS + 1, #KEYS do redis.call('SREM', KEYS[k], ARGV[1]) end
if ARGV[2] == '1' then redis.call('DEL', SESSION) end
return 1
`,
  },
  "list": {
    sha1: "1cb0d897e585098a9d5783d8df7771b2380cb0f9",
    text: `#!lua flags=allow-oom
local F = {task_keys=0,exact=0,digits_near=0,bundles_of=0,slice_in=0,read_states=0,numbers_lettered=0,text_between=0,read_text=0,place_in_bundle=0,read_states_of=0,letter_of=0,records_in=0,record_in=0,bundled_record=0,is_handed=0,parse_lease=0,read_lease=0,numbers_in=0,letters_of=0,members_of_slice=0,may_be_in_slice=0,place_in_slice=0,members_of=0,find_member=0,place_of_member=0,lease_of=0,named_in=0,walk_leases=0,leases_of=0,packed=0,unpacked=0,record_of_later=0,due_of_later=0,place_of=0,view=0,number_of=0,is_named_by=0,last_named_by=0,place_in_list=0,resume=0,numbers_of=0,page_list=0,page_sorted_line=0,page_ready=0,rank_behind=0,page_sorted=0,page_claimed=0,slices_behind=0,page_bundled=0,page_running=0}
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], claimed = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17], bundles = KEYS[b + 18],
  }
end
function F.exact(ms)
  return string.format('%.3f', ms)
end
local NUMBER_SIZE = 16
local TWO_DIGITS = '00010203040506070809101112131415161718192021222324'
  .. '25262728293031323334353637383940414243444546474849'
  .. '50515253545556575859606162636465666768697071727374'
  .. '75767778798081828384858687888990919293949596979899'
local heads = {}
function F.digits_near(n)
  local low = n % 10000
  local high = (n - low) / 10000
  local head, d = heads[high], low % 100
  if not head then
    head = string.format('%012.0f', high)
    heads[high] = head
  end
  local c = (low - d) / 50
  local sub = string.sub
  return head .. sub(TWO_DIGITS, c + 1, c + 2) .. sub(TWO_DIGITS, 2 * d + 1, 2 * d + 2)
end
local rare_left, seen_rare = math.huge, {}
local BUNDLE_SIZE, SLICE_SIZE = 14, 20
local COUNTERS = 3
local LETTER_R, LETTER_A, LETTER_GONE, COLON = 114, 97, 45, 58
function F.bundles_of(t)
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
local SPELLED = '@00 @01 @02 @03 @04 @05 @06 @07 @08 @09 @10 @11 @12 @13 @14 @15 @16 @17 @18 @19 '
  .. '@20 @21 @22 @23 @24 @25 @26 @27 @28 @29 @30 @31 @32 @33 @34 @35 @36 @37 @38 @39 '
  .. '@40 @41 @42 @43 @44 @45 @46 @47 @48 @49 @50 @51 @52 @53 @54 @55 @56 @57 @58 @59 '
  .. '@60 @61 @62 @63 @64 @65 @66 @67 @68 @69 @70 @71 @72 @73 @74 @75 @76 @77 @78 @79 '
  .. '@80 @81 @82 @83 @84 @85 @86 @87 @88 @89 @90 @91 @92 @93 @94 @95 @96 @97 @98 @99'
local function spelled(bundle, from, to)
  return (string.gsub(string.sub(SPELLED, 4 * from + 1, 4 * to + 3), '@', bundle))
end
function F.slice_in(entry)
  local bundle, from, to = string.match(entry, '^(%d+):(%d%d)%-(%d%d)$')
  if not bundle or #entry ~= SLICE_SIZE or from > to then return nil end
  return bundle, tonumber(from), tonumber(to)
end
function F.read_states(b, key, bundles)
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
function F.numbers_lettered(bundle, letters, letter, from, to)
  local numbers, sub, find = {}, string.sub, string.find
  local at, stop = find(letters, letter, (from or 0) + 1, true), (to or 99) + 1
  while at and at <= stop do
    numbers[#numbers + 1] = bundle .. sub(TWO_DIGITS, 2 * at - 1, 2 * at)
    at = find(letters, letter, at + 1, true)
  end
  return numbers
end
function F.text_between(text, from, to, size)
  if size then return string.sub(text, from * (size + 1) + 1, (to + 1) * (size + 1) - 1) end
  local first, at = 1, 0
  for _ = 1, from do first = (string.find(text, '\\0', first, true) or #text) + 1 end
  at = first
  for k = from, to do
    local stop = string.find(text, '\\0', at, true)
    if not stop then return string.sub(text, first) end
    at = stop + 1
  end
  return string.sub(text, first, at - 2)
end
function F.read_text(t, bundle)
  local b = t.bundled
  b.texts = b.texts or {}
  b.texts[bundle] = b.texts[bundle] or redis.call('HGET', t.bundles, bundle)
  return b.texts[bundle]
end
function F.place_in_bundle(b, number)
  local bundle = string.sub(number, 1, BUNDLE_SIZE)
  local states = b.states[bundle]
  if not states or #number ~= NUMBER_SIZE then return nil end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1))
  if not place then return nil end
  local letter = string.sub(states, place + 1, place + 1)
  if letter ~= 'r' and letter ~= 'a' then return nil end
  return bundle, place, letter
end
function F.read_states_of(t, numbers)
  local bundles, before, wanted = {}, nil, t.bundled.wanted
  for _, number in ipairs(numbers) do
    local bundle = string.sub(number, 1, BUNDLE_SIZE)
    if bundle ~= before then bundles[#bundles + 1], before = bundle, bundle end
    wanted[bundle] = (wanted[bundle] or 0) + 1
  end
  F.read_states(t.bundled, t.bundles, bundles)
end
function F.letter_of(t, number)
  if not F.bundles_of(t) then return nil end
  F.read_states_of(t, { number })
  local _, _, letter = F.place_in_bundle(t.bundled, number)
  return letter
end
function F.records_in(t, bundle)
  local b = t.bundled
  b.records = b.records or {}
  if b.records[bundle] then return b.records[bundle] end
  local text, records, from = F.read_text(t, bundle), {}, 1
  while text do
    local stop = string.find(text, '\\0', from, true)
    records[#records + 1] = string.sub(text, from, (stop or 0) - 1)
    if not stop then break end
    from = stop + 1
  end
  b.records[bundle] = records
  return records
end
local FEW_WANTED = 3
function F.record_in(t, bundle, place)
  if t.bundled.wanted[bundle] > FEW_WANTED then return F.records_in(t, bundle)[place + 1] end
  local text = F.read_text(t, bundle)
  local record = text and F.text_between(text, place, place)
  return record ~= '' and record or nil
end
function F.bundled_record(t, number)
  local b = F.bundles_of(t)
  if not b then return nil end
  F.read_states_of(t, { number })
  local bundle, place = F.place_in_bundle(b, number)
  return bundle and F.record_in(t, bundle, place) or nil
end
local HANDED_MS, HANDED_LENGTH_MS = 2000, 10000
function F.is_handed(length)
  return string.byte(length) == 48
end
function F.parse_lease(fence, text)
  local a = text and string.find(text, '|', 1, true)
  local b = a and string.find(text, '|', a + 1, true)
  local c = b and string.find(text, '|', b + 1, true)
  if not c then return nil end
  local slice = c - b - 1 == SLICE_SIZE and { F.slice_in(string.sub(text, b + 1, c - 1)) } or nil
  if slice and not slice[1] then return nil end
  return {
    slice = slice, fence = fence, text = text, from = b + 1, to = c - 1, head = b, owner = a + 1,
    length = tonumber(string.sub(text, 1, a - 1)) or 0, handed = F.is_handed(text),
    task = string.sub(text, c + 1),
  }
end
function F.read_lease(fence, t)
  local lease = F.parse_lease(fence, redis.call('HGET', LEASE, fence))
  if lease and t and lease.task == t.name then lease.t = t end
  return lease
end
function F.numbers_in(text)
  local sub, numbers, n = string.sub, {}, 0
  for at = 1, #text, NUMBER_SIZE + 1 do
    n = n + 1
    numbers[n] = sub(text, at, at + NUMBER_SIZE - 1)
  end
  return numbers
end
function F.letters_of(lease)
  local t, bundle = lease.t, lease.slice[1]
  local b = t and F.bundles_of(t)
  if not b then return nil end
  F.read_states(b, t.bundles, { bundle })
  return b.states[bundle] or nil
end
function F.members_of_slice(lease)
  local letters = F.letters_of(lease)
  if not letters then return {} end
  return F.numbers_lettered(lease.slice[1], letters, 'a', lease.slice[2], lease.slice[3])
end
function F.may_be_in_slice(lease, numbers)
  local found, letters = {}, #numbers > 0 and F.letters_of(lease)
  for _, number in ipairs(numbers) do
    local place = #number == NUMBER_SIZE and tonumber(string.sub(number, BUNDLE_SIZE + 1))
    local is_named = place and lease.t and place >= lease.slice[2] and place <= lease.slice[3]
    if is_named and (not letters or string.byte(letters, place + 1) == LETTER_A) then
      found[#found + 1] = number
    end
  end
  return found
end
function F.place_in_slice(lease, number)
  local bundle, from, to = lease.slice[1], lease.slice[2], lease.slice[3]
  if #number ~= BUNDLE_SIZE + 2 or string.sub(number, 1, BUNDLE_SIZE) ~= bundle then return nil end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1))
  if not place or place < from or place > to then return nil end
  if lease.dropped and lease.dropped[number] then return nil end
  if lease.singled and lease.singled[number] then return number end
  local letters = F.letters_of(lease)
  return letters and string.byte(letters, place + 1) == LETTER_A and number or nil
end
local FEW = 6
local MOST_LOOKED_AFTER = 50
function F.members_of(lease)
  if lease.slice then return F.members_of_slice(lease) end
  return F.numbers_in(string.sub(lease.text, lease.from, lease.to))
end
function F.find_member(lease, number, from)
  local at = string.find(lease.text, number, from, true)
  local is_one = at and at < lease.to and (at - lease.from) % (NUMBER_SIZE + 1) == 0
  return is_one and #number == NUMBER_SIZE and at or nil
end
function F.place_of_member(lease, number)
  if lease.slice then return F.place_in_slice(lease, number) end
  local at = F.find_member(lease, number, lease.last or lease.from)
  if not at and lease.last then at = F.find_member(lease, number, lease.from) end
  if not at or (lease.cuts and lease.cuts[at]) then return nil end
  lease.last = at
  return at
end
local PIECE_BYTES = 8000
local MOST_BYTES_SEEN, LEASES_PER_PAGE, BYTES_PER_PAIR = 256 * 1024, 50, 50
function F.lease_of(t, number)
  local cursor, bytes = '0', 0
  repeat
    local page = redis.call('HSCAN', LEASE, cursor, 'COUNT', LEASES_PER_PAGE)
    local found = page[2]
    for k = 1, #found, 2 do
      bytes = bytes + #found[k + 1] + BYTES_PER_PAIR
      if string.find(found[k + 1], string.sub(number, 1, BUNDLE_SIZE), 1, true) then
        local lease = F.read_lease(found[k], t)
        if lease and F.place_of_member(lease, number) then return lease end
      end
    end
    cursor = page[1]
  until cursor == '0' or bytes >= MOST_BYTES_SEEN
  return nil
end
function F.named_in(lease, wanted, by_bundles)
  if lease.slice then return F.may_be_in_slice(lease, by_bundles[lease.slice[1]] or {}) end
  local named = {}
  for _, number in ipairs(F.members_of(lease)) do
    if wanted[number] then named[#named + 1] = number end
  end
  return named
end
local BYTES_PER_LEASE = 200
local OF_A_BUNDLE = '^%d+|[^|]*|(%d+):%d%d%-%d%d|'
function F.walk_leases(t, wanted, cursor, most_bytes, each)
  local bytes, by_bundles = 0, {}
  for number in pairs(wanted) do
    local bundle = string.sub(number, 1, BUNDLE_SIZE)
    by_bundles[bundle] = by_bundles[bundle] or {}
    table.insert(by_bundles[bundle], number)
  end
  repeat
    local page = redis.call('HSCAN', LEASE, cursor, 'COUNT', LEASES_PER_PAGE)
    for k = 1, #page[2], 2 do
      local text = page[2][k + 1]
      local bundle = string.match(text, OF_A_BUNDLE)
      local lease = (not bundle or by_bundles[bundle]) and F.parse_lease(page[2][k], text)
      bytes = bytes + #text + BYTES_PER_LEASE
      if lease then
        if lease.task == t.name then lease.t = t end
        for _, number in ipairs(F.named_in(lease, wanted, by_bundles)) do each(number, lease) end
      end
    end
    cursor = page[1]
  until cursor == '0' or next(wanted) == nil or bytes >= most_bytes
  return cursor
end
function F.leases_of(t, numbers, most_bytes)
  local wanted, leases = {}, {}
  for _, number in ipairs(numbers) do wanted[number] = true end
  F.walk_leases(t, wanted, '0', most_bytes, function(number, lease)
    leases[number], wanted[number] = lease, nil
  end)
  return leases
end
local PACKED_FROM, PACKED_BELOW = 1750000000000000, 1750000000000000 + 254 * 2 ^ 40
function F.packed(number)
  local n = tonumber(number) or 0
  if n < PACKED_FROM then return '\\0' .. number end
  if n >= PACKED_BELOW then return '\\255' .. number end
  n = n - PACKED_FROM
  local f = n % 256
  n = (n - f) / 256
  local e = n % 256
  n = (n - e) / 256
  local d = n % 256
  n = (n - d) / 256
  local c = n % 256
  n = (n - c) / 256
  local b = n % 256
  return string.char((n - b) / 256 + 1, b, c, d, e, f)
end
function F.unpacked(name)
  local a, b, c, d, e, f = string.byte(name, 1, 6)
  if a == 0 or a == 255 then return string.sub(name, 2) end
  local n = (((((a - 1) * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
  return F.digits_near(PACKED_FROM + n)
end
function F.record_of_later(t, number)
  return redis.call('HGET', t.later, F.packed(number))
end
function F.due_of_later(t, number)
  return redis.call('ZSCORE', t.due, F.packed(number))
end
local STATE_WORD = { c = 'completed', d = 'dead', x = 'cancelled' }
function F.place_of(t, number)
  local record = redis.call('HGET', t.jobs, number)
  if record then
    local claimed = redis.call('SISMEMBER', t.claimed, number) == 1
    return claimed and 'running' or 'ready', record, nil
  end
  record = F.bundled_record(t, number)
  if record then return F.letter_of(t, number) == 'a' and 'running' or 'ready', record, nil end
  record = F.record_of_later(t, number)
  if record then return 'scheduled', record, F.due_of_later(t, number) end
  record = redis.call('HGET', t.ended, number)
  if record then return STATE_WORD[string.sub(record, 1, 1)], record, nil end
  return nil, nil, nil
end
function F.view(t, number, leases)
  local state, record, due = F.place_of(t, number)
  if not state then return nil end
  local runs = state == 'running'
  local lease = nil
  if runs and leases then lease = leases[number] elseif runs then lease = F.lease_of(t, number) end
  local lease_ends = lease and redis.call('ZSCORE', LEASES, lease.fence) or ''
  local marked = runs and tostring(redis.call('HEXISTS', CANCELS, number)) or '0'
  return {
    number, state, record, redis.call('HGET', t.tries, number) or '', due or '',
    lease and lease.fence or '', lease_ends or '', marked,
    runs and redis.call('HGET', PROGRESS, number) or '',
    redis.call('HGET', t.errors, number) or '',
  }
end
local MOST_BYTES, MOST_SHOWN = 4 * 1024 * 1024, 200
local t, state, cursor = F.task_keys(1, ARGV[1]), ARGV[2], ARGV[3]
if state == 'running' then MOST_SHOWN = MOST_SHOWN / 2 end
local limit = math.min(tonumber(ARGV[4]), MOST_SHOWN)
function F.number_of(member)
  return string.sub(member, -NUMBER_SIZE)
end
function F.is_named_by(entry, number)
  local bundle, from, to = F.slice_in(entry)
  if not bundle then return entry == number end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1)) or -1
  return bundle == string.sub(number, 1, BUNDLE_SIZE) and place >= from and place <= to
end
function F.last_named_by(entry)
  if #entry ~= SLICE_SIZE then return entry end
  return string.sub(entry, 1, BUNDLE_SIZE) .. string.sub(entry, -2)
end
local NEAR, MOST_PARTED = 2000, 100
function F.place_in_list(key, member, place)
  local from = math.max(0, place - NEAR)
  local near = redis.call('LRANGE', key, from, place + MOST_PARTED)
  for k = #near, 1, -1 do
    if F.is_named_by(near[k], member) then return from + k - 1 end
  end
  local low, high = 0, from
  while low < high do
    local middle = math.floor((low + high) / 2)
    local there = redis.call('LINDEX', key, middle)
    if there and F.last_named_by(there) < member then low = middle + 1 else high = middle end
  end
  local entry = redis.call('LINDEX', key, low)
  return entry and F.is_named_by(entry, member) and low or nil
end
function F.resume(stretch, member, place)
  local at
  if stretch.command == 'LRANGE' then
    return F.place_in_list(stretch.key, member, place) or 0
  end
  at = redis.call('ZRANK', stretch.key, member)
  return at and at - stretch.first + 1 or 0
end
function F.numbers_of(entry, last)
  local bundle, from, to = F.slice_in(entry)
  if not bundle then return entry == last and {} or { entry } end
  local b = F.bundles_of(t)
  if not b then return {} end
  if string.sub(last, 1, BUNDLE_SIZE) == bundle then
    from = math.max(from, (tonumber(string.sub(last, BUNDLE_SIZE + 1)) or -1) + 1)
  end
  F.read_states(b, t.bundles, { bundle })
  return F.numbers_lettered(bundle, b.states[bundle] or '', 'r', from, to)
end
function F.page_list(s, k, skip, last, numbers, cursors)
  local found = redis.call('LRANGE', s.key, skip, skip + limit)
  for n, entry in ipairs(found) do
    local place = k .. ':' .. (skip + n - 1) .. ':'
    for _, number in ipairs(F.numbers_of(entry, last)) do
      if #numbers == limit then return true end
      numbers[#numbers + 1] = number
      cursors[#numbers] = place .. number
    end
    if #numbers == 0 then cursors[0] = place .. F.last_named_by(entry) end
  end
  return skip + #found < s.size
end
function F.page_sorted_line(s, k, skip, numbers, cursors)
  local stop = math.min(s.size, skip + limit - #numbers) - 1
  if stop < skip then return skip < s.size end
  local found = redis.call('ZRANGE', s.key, s.first + skip, s.first + stop)
  for n, m in ipairs(found) do
    numbers[#numbers + 1] = F.number_of(m)
    cursors[#numbers] = k .. ':' .. (skip + n - 1) .. ':' .. m
  end
  return stop + 1 < s.size
end
function F.page_ready()
  local negative = redis.call('ZCOUNT', t.prio, '-inf', '(0')
  local rest = redis.call('ZCARD', t.prio) - negative
  local stretches = {
    { command = 'ZRANGE', key = t.prio, first = 0, size = negative },
    { command = 'LRANGE', key = t.ready, first = 0, size = redis.call('LLEN', t.ready) },
    { command = 'ZRANGE', key = t.prio, first = negative, size = rest },
    { command = 'LRANGE', key = t.alone, first = 0, size = redis.call('LLEN', t.alone) },
  }
  local at, place, member = string.match(cursor, '^(%d):(%d+):(.+)$')
  local numbers, cursors = {}, {}
  for k = tonumber(at or '1'), #stretches do
    local s, here = stretches[k], tonumber(at) == k
    local skip, more = here and F.resume(s, member, tonumber(place)) or 0, nil
    if s.command == 'LRANGE' then
      more = F.page_list(s, k, skip, here and member or '', numbers, cursors)
    else
      more = F.page_sorted_line(s, k, skip, numbers, cursors)
    end
    if more then return numbers, cursors, true end
  end
  return numbers, cursors, false
end
function F.rank_behind(key, reverse, score, number, spelled)
  local range, low, high = reverse and 'ZREVRANGE' or 'ZRANGE', 0, redis.call('ZCARD', key)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local found = redis.call(range, key, middle, middle, 'WITHSCORES')
    local there, s = spelled(found[1]), tonumber(found[2])
    local behind = s > score or (s == score and there > number)
    if reverse then behind = s < score or (s == score and there < number) end
    if behind then high = middle else low = middle + 1 end
  end
  return low
end
function F.page_sorted(key, reverse, spelled)
  local range, from = reverse and 'ZREVRANGE' or 'ZRANGE', 0
  local score, number = string.match(cursor, '^(%-?[%d.]+):(%d+)$')
  if score then from = F.rank_behind(key, reverse, tonumber(score), number, spelled) end
  local found = redis.call(range, key, from, from + limit - 1, 'WITHSCORES')
  local numbers, cursors = {}, {}
  for k = 1, #found, 2 do
    local number = spelled(found[k])
    numbers[#numbers + 1] = number
    cursors[#numbers] = F.exact(tonumber(found[k + 1])) .. ':' .. number
  end
  return numbers, cursors, from + #numbers < redis.call('ZCARD', key)
end
function F.page_claimed()
  local scan, shown = string.match(cursor, '^(%d+):(%d+)$')
  scan, shown = scan or '0', tonumber(shown or '0')
  local found = redis.call('SSCAN', t.claimed, scan, 'COUNT', MOST_SHOWN)
  local numbers, cursors, total = {}, {}, #found[2]
  for k = shown + 1, math.min(total, shown + limit) do
    numbers[#numbers + 1] = found[2][k]
    cursors[#numbers] = scan .. ':' .. k
  end
  if shown + #numbers < total then return numbers, cursors, true end
  local following = found[1] ~= '0' and found[1] .. ':0' or 'b0:'
  cursors[#numbers] = following
  local b = F.bundles_of(t)
  return numbers, cursors, found[1] ~= '0' or (b and b.running ~= 0)
end
local LEASES_SHOWN, MOST_PAGES = 10, 50
function F.slices_behind(found, last)
  local leases = {}
  for k = 1, #found, 2 do
    local lease = F.parse_lease(found[k], found[k + 1])
    local slice = lease and lease.task == t.name and lease.slice
    if slice and slice[1] .. string.format('%02d', slice[3]) > last then
      lease.t, lease.name = t, string.sub(lease.text, lease.from, lease.to)
      leases[#leases + 1] = lease
    end
  end
  table.sort(leases, function(a, b) return a.name < b.name end)
  return leases
end
function F.page_bundled(scan, last)
  local numbers, cursors, leases = {}, {}, {}
  for _ = 1, MOST_PAGES do
    local found = redis.call('HSCAN', LEASE, scan, 'COUNT', LEASES_SHOWN)
    for _, lease in ipairs(F.slices_behind(found[2], last)) do
      for _, number in ipairs(F.members_of(lease)) do
        if number > last then
          if #numbers == limit then return numbers, cursors, true, leases end
          numbers[#numbers + 1], leases[number] = number, lease
          cursors[#numbers] = 'b' .. scan .. ':' .. number
        end
      end
    end
    scan, last = found[1], ''
    cursors[#numbers] = 'b' .. scan .. ':'
    if scan == '0' then return numbers, cursors, false, leases end
    if #numbers > 0 then break end
  end
  return numbers, cursors, true, leases
end
function F.page_running()
  local scan, last = string.match(cursor, '^b(%d+):(%d*)$')
  if scan then return F.page_bundled(scan, last) end
  return F.page_claimed()
end
local numbers, cursors, more, leases
if state == 'ready' then
  numbers, cursors, more = F.page_ready()
elseif state == 'scheduled' then
  numbers, cursors, more = F.page_sorted(t.due, false, F.unpacked)
elseif state == 'running' then
  numbers, cursors, more, leases = F.page_running()
  leases = leases or F.leases_of(t, numbers, MOST_BYTES_SEEN / 2)
else
  numbers, cursors, more = F.page_sorted(t[state], true, F.number_of)
end
local page, bytes, last = { '' }, 0, 0
for k, number in ipairs(numbers) do
  local v = F.view(t, number, leases)
  if v and v[2] == state then
    page[#page + 1] = v
    bytes = bytes + #v[3]
  end
  last = k
  if bytes >= MOST_BYTES then break end
end
if more or last < #numbers then page[1] = cursors[last] or '' end
return page
`,
  },
  "look": {
    sha1: "779974d3e78705f92f881e6cca36e32c546ce4a7",
    text: `#!lua flags=allow-oom
local F = {whole=0,exact=0,read_lengths=0,shortest_of=0,clamp_leases=0,note_time=0,is_handed=0,grace_of=0,stamp=0,group_of=0,member_of=0,parse_schedule=0,touch=0,refresh_group=0,refresh_groups=0,describe_schedule=0,parse_sets=0,read_registrations=0,raise_registrations=0,write_sets=0,end_of_set=0,renew_set=0,note_registrations=0,judge_registrations=0,parse_offers=0,offer_of=0,due_schedule=0,due_schedules=0,needs_repair=0,held_until=0,watch_group=0,drains_until=0,split_due=0,expired_leases=0,keeps=0,sleep_until=0,register_sleeper=0,look_for_schedules=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.whole(n)
  return string.format('%.0f', n)
end
function F.exact(ms)
  return string.format('%.3f', ms)
end
function F.read_lengths(text)
  local lengths = {}
  for length, count in string.gmatch(text or '', '(%d+)=(%d+)') do
    lengths[length] = tonumber(count)
  end
  return lengths
end
local known_lengths, known_fence = nil, nil
local lease_changes = {}
local SHORTEST_KNOWN_MS = 1000
function F.shortest_of(lengths)
  local shortest = math.huge
  for length in pairs(lengths) do shortest = math.min(shortest, tonumber(length)) end
  return shortest < math.huge and shortest or SHORTEST_KNOWN_MS
end
function F.clamp_leases(now_ms, shortest)
  local after = '(' .. F.whole(math.floor(now_ms + shortest))
  local far = redis.call('ZRANGEBYSCORE', LEASES, after, '+inf', 'WITHSCORES', 'LIMIT', 0, 1000)
  for k = 1, #far, 2 do
    local length = tonumber(string.match(redis.call('HGET', LEASE, far[k]) or '', '^(%d+)|'))
    local latest = math.floor(now_ms + (length or shortest))
    if tonumber(far[k + 1]) > latest then redis.call('ZADD', LEASES, F.whole(latest), far[k]) end
  end
end
function F.note_time(now_ms)
  if redis.call('ZCARD', LEASES) == 0 then return 0, nil, {} end
  local m = redis.call('HMGET', META, 'noted', 'graceFrom', 'lengths', 'fence')
  local noted, from = tonumber(m[1]), tonumber(m[2] or '0')
  local lengths = F.read_lengths(m[3])
  known_lengths, known_fence = lengths, m[4]
  local shortest = F.shortest_of(lengths)
  local gap = noted and now_ms - noted or math.huge
  local this = math.floor(now_ms)
  if gap > shortest * 2 / 3 or gap < 0 then
    noted, from = this, this
    redis.call('HSET', META, 'noted', F.whole(this), 'graceFrom', F.whole(this))
    if gap < 0 then F.clamp_leases(now_ms, shortest) end
  elseif gap >= shortest / 3 then
    noted = this
    redis.call('HSET', META, 'noted', F.whole(this))
  end
  return from, noted + shortest / 3, lengths
end
local HANDED_MS, HANDED_LENGTH_MS = 2000, 10000
function F.is_handed(length)
  return string.byte(length) == 48
end
function F.grace_of(length)
  return F.is_handed(length) and HANDED_MS or tonumber(length)
end
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
function F.stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end
function F.group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end
function F.member_of(s)
  return s.wake and F.group_of(s) .. F.stamp(s.wake) .. s.id or nil
end
function F.parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = F.member_of(s), F.group_of(s)
  return s
end
local touched = {}
function F.touch(group)
  if touched[group] == nil then
    touched[group] = tonumber(redis.call('ZSCORE', FIRING, group) or nil) or false
  end
end
function F.refresh_group(group)
  local first =
    redis.call('ZRANGEBYLEX', CURSORS, '[' .. group, '(' .. group .. ':', 'LIMIT', 0, 1)[1]
  if not first then
    redis.call('ZREM', FIRING, group)
    return nil
  end
  local at = tonumber(string.sub(first, #group + 1, #group + 16))
  redis.call('ZADD', FIRING, F.whole(at), group)
  return at
end
function F.refresh_groups(nearer)
  for group, before in pairs(touched) do
    local at = F.refresh_group(group)
    if nearer and at and (not before or at < before) then nearer(group) end
  end
  touched = {}
end
function F.describe_schedule(s, registered_until)
  local function text(n) return n and F.whole(n) or '' end
  local numbers = table.concat({
    F.whole(s.revision), s.code and '1' or '0', tostring(s.overlap), s.is_local and '1' or '0',
    F.whole(s.jitter), F.whole(s.generation), s.digest, text(s.next_at), F.whole(s.decided),
    F.whole(s.fired), text(s.paused_at), text(s.paused_until), s.orphaned and '1' or '0',
    text(registered_until),
  }, ',')
  return { s.id, s.task, s.definition, numbers, s.reason }
end
local MOST_SETS, SETS_REMEMBERED_MS = 200, 31 * 86400000
function F.parse_sets(text)
  local ends = {}
  for set, at in string.gmatch(text or '', '(%S+)=(%d+)') do ends[set] = tonumber(at) end
  return ends
end
function F.read_registrations()
  local m = redis.call('HMGET', META, 'sets', 'setsGrace')
  return { ends = F.parse_sets(m[1]), grace = tonumber(m[2] or '0') }
end
function F.raise_registrations()
  redis.call('HINCRBY', META, 'registrations', 1)
end
function F.write_sets(ends, judged, now_ms)
  local list, next_end = {}, math.huge
  for set, at in pairs(ends) do
    if at > now_ms - SETS_REMEMBERED_MS then list[#list + 1] = { set = set, at = at } end
  end
  table.sort(list, function(a, b)
    if a.at ~= b.at then return a.at > b.at end
    return a.set < b.set
  end)
  local parts = {}
  for k = 1, math.min(#list, MOST_SETS) do
    parts[k] = list[k].set .. '=' .. F.whole(list[k].at)
    if list[k].at > judged then next_end = list[k].at end
  end
  redis.call('HSET', META, 'sets', table.concat(parts, ' '),
    'setsNext', next_end < math.huge and F.whole(next_end) or '')
end
function F.end_of_set(text, set)
  local padded = ' ' .. (text or '')
  local _, stop = string.find(padded, ' ' .. set .. '=', 1, true)
  return stop and tonumber(string.match(padded, '^%d+', stop + 1)) or nil
end
function F.renew_set(set, lease_ms, now_ms)
  local m = redis.call('HMGET', META, 'sets', 'setsGrace', 'setsJudged')
  local this, ends_at = math.floor(now_ms), F.end_of_set(m[1], set)
  if ends_at and ends_at - now_ms >= lease_ms * 2 / 3 then return end
  local lives = ends_at and (ends_at > now_ms or now_ms < tonumber(m[2] or '0'))
  local ends = F.parse_sets(m[1])
  ends[set] = math.max(ends_at or 0, this + lease_ms)
  F.write_sets(ends, tonumber(m[3] or '0'), now_ms)
  if not lives then F.raise_registrations() end
end
function F.note_registrations(lease_ms, now_ms)
  local m = redis.call('HMGET', META, 'setsNoted', 'setsJudged', 'sets')
  local this, noted = math.floor(now_ms), tonumber(m[1] or nil)
  local since = noted and this - noted or nil
  if since and since >= 0 and since < lease_ms / 6 then return end
  redis.call('HSET', META, 'setsNoted', F.whole(this))
  if not since or (since >= 0 and since <= lease_ms * 2 / 3) then return end
  redis.call('HSET', META, 'setsGrace', F.whole(this + lease_ms))
  if since > 0 then return end
  local ends, judged = F.parse_sets(m[3]), math.min(tonumber(m[2] or '0'), this)
  for set, at in pairs(ends) do ends[set] = math.min(at, this + lease_ms) end
  redis.call('HSET', META, 'setsJudged', F.whole(judged))
  F.write_sets(ends, judged, now_ms)
end
function F.judge_registrations(now_ms)
  local m = redis.call('HMGET', META, 'setsNext', 'setsGrace', 'sets', 'setsJudged')
  local next_end = tonumber(m[1] or '')
  if not next_end or next_end > now_ms or now_ms < tonumber(m[2] or '0') then return end
  local this, judged, lapsed = math.floor(now_ms), tonumber(m[4] or '0'), false
  local ends = F.parse_sets(m[3])
  for _, at in pairs(ends) do lapsed = lapsed or (at > judged and at <= now_ms) end
  if not lapsed then return end
  redis.call('HSET', META, 'setsJudged', F.whole(this))
  F.write_sets(ends, this, now_ms)
  F.raise_registrations()
end
local MOST_OFFERS, MOST_SETS_PER_OFFER = 10, 30
function F.parse_offers(text)
  local offers = {}
  for digest, generation, at, sets in string.gmatch(text or '', '(%S+) (%d+) (%d+)([^\\n]*)') do
    local offer = {
      digest = digest, generation = tonumber(generation), at = tonumber(at), sets = {},
    }
    for set in string.gmatch(sets, '%S+') do offer.sets[#offer.sets + 1] = set end
    offers[#offers + 1] = offer
  end
  return offers
end
function F.offer_of(offers, digest)
  for _, offer in ipairs(offers) do
    if offer.digest == digest then return offer end
  end
end
local function registered_until(s, offers, r)
  if not s.code then return nil end
  local offer, latest = F.offer_of(offers, s.digest), nil
  if not offer then return nil end
  for _, set in ipairs(offer.sets) do
    if r.ends[set] then latest = math.max(latest or 0, r.ends[set]) end
  end
  return latest and math.max(latest, r.grace) or offer.at
end
local MOST_DUE, MOST_DUE_BYTES = 100, 4 * 1024 * 1024
function F.due_schedule(member, group, registrations)
  local id = string.sub(member, #group + 17)
  local f = redis.call('HMGET', SCHEDULES, 'd' .. id, 's' .. id, 'g' .. id)
  local s = f[1] and F.parse_schedule(id, f[1], f[2])
  if not s or s.member ~= member then
    F.touch(group)
    redis.call('ZREM', CURSORS, member)
    return nil
  end
  local til = s.code and registered_until(s, F.parse_offers(f[3]), registrations) or nil
  return F.describe_schedule(s, til)
end
function F.due_schedules(groups, now_ms)
  local out, bytes, registrations = {}, 0, F.read_registrations()
  local before = F.stamp(math.floor(now_ms) + 1)
  for _, group in ipairs(groups) do
    local room = MOST_DUE - #out
    if room <= 0 or bytes >= MOST_DUE_BYTES then break end
    local members = redis.call('ZRANGEBYLEX', CURSORS, '[' .. group, '(' .. group .. before,
      'LIMIT', 0, room)
    if #members == 0 then F.touch(group) end
    for _, member in ipairs(members) do
      local found = bytes < MOST_DUE_BYTES and F.due_schedule(member, group, registrations)
      if found then
        out[#out + 1] = found
        bytes = bytes + #found[3]
      end
    end
  end
  F.refresh_groups(nil)
  return out, #out < MOST_DUE and bytes < MOST_DUE_BYTES
end
function F.needs_repair(m)
  local names, wakes = tonumber(m[1] or '0'), tonumber(m[2] or '0')
  if m[3] or redis.call('ZCARD', CURSORS) ~= names + wakes then return true end
  if wakes > 0 then return redis.call('EXISTS', FIRING, SCHEDULES) < 2 end
  if names > 0 then return redis.call('EXISTS', SCHEDULES) == 0 end
  return redis.call('EXISTS', SCHEDULES) == 1
end
local HOLD_MS = 5000
function F.held_until(now_ms)
  local til = tonumber(redis.call('HGET', META, 'holdTil') or nil)
  if til and til > now_ms and til <= now_ms + HOLD_MS then return til end
end
local MOST_WATCHERS = 2
function F.watch_group(group, identity)
  local text = redis.call('HGET', KEEPERS, 'w' .. group) or ''
  if string.find(text, identity, 1, true) then return end
  local watchers = identity
  for watcher in string.gmatch(text, '%S+') do
    local _, n = string.gsub(watchers, '%S+', '')
    if n < MOST_WATCHERS then watchers = watchers .. ' ' .. watcher end
  end
  redis.call('HSET', KEEPERS, 'w' .. group, watchers)
end
local MOST_EXPIRED, MOST_LEASES, KEEPERS_PER_MOMENT = 20, 100, 2
local SLEEPERS_TTL_S, SESSION_TTL_S = 600, 86400
local identity, sleep_ms = ARGV[1], tonumber(ARGV[2])
local now_ms = now_us() / 1000
local set, set_lease_ms = ARGV[3], tonumber(ARGV[4])
local names, places, groups, watched = {}, {}, {}, {}
for k = 5, #ARGV do
  local flag, name = string.sub(ARGV[k], 1, 1), string.sub(ARGV[k], 2)
  local kind = string.lower(flag)
  if kind == 'i' or kind == 'b' then
    names[#names + 1], places[#places + 1] = name, k - 4
  end
  if kind ~= 'i' then
    groups[#groups + 1] = (kind == 'l' and 's' or 't') .. #name .. ':' .. name
    if flag ~= kind then watched[#watched + 1] = groups[#groups] end
  end
end
function F.drains_until()
  local m = redis.call('HMGET', META, 'aloneBy', 'aloneTil')
  if m[1] == identity and tonumber(m[2]) > now_ms then return tonumber(m[2]) end
end
function F.split_due(key, members, prefix, moments)
  local due = {}
  if #members == 0 then return due end
  for from = 1, #members, 1000 do
    local to = math.min(from + 999, #members)
    local scores = redis.call('ZMSCORE', key, unpack(members, from, to))
    for k, score in ipairs(scores) do
      local at, index = tonumber(score or nil), from + k - 1
      if at and at <= now_ms then
        due[#due + 1] = index
      elseif at and at <= now_ms + sleep_ms then
        moments[#moments + 1] = { at = at, field = prefix .. members[index] }
      end
    end
  end
  return due
end
function F.expired_leases(grace_from)
  local out, next_at = {}, math.huge
  local first = redis.call('ZRANGE', LEASES, 0, MOST_LEASES - 1, 'WITHSCORES')
  for k = 1, #first, 2 do
    local fence, ends_at = first[k], tonumber(first[k + 1])
    if ends_at > now_ms + sleep_ms or #out >= 2 * MOST_EXPIRED then break end
    local length, task = string.match(
      redis.call('HGET', LEASE, fence) or '', '^(%d+)|[^|]*|[^|]*|(.*)$')
    local at = length and math.max(ends_at, grace_from + F.grace_of(length))
    if not length then
      redis.call('ZREM', LEASES, fence)
    elseif at <= now_ms then
      out[#out + 1] = fence
      out[#out + 1] = task
    else
      next_at = math.min(next_at, at)
    end
  end
  return out, next_at
end
function F.keeps(moment)
  local at = F.whole(moment.at)
  local text = redis.call('HGET', KEEPERS, moment.field)
  local stored, who = string.match(text or '', '^(%d+)(.*)$')
  if stored ~= at then
    redis.call('HSET', KEEPERS, moment.field, at .. ' ' .. identity)
    return true
  end
  if string.find(who, identity, 1, true) then return true end
  local _, n = string.gsub(who, ' ', ' ')
  if n >= KEEPERS_PER_MOMENT then return false end
  redis.call('HSET', KEEPERS, moment.field, text .. ' ' .. identity)
  return true
end
function F.sleep_until(moments)
  table.sort(moments, function(a, b) return a.at < b.at end)
  for _, moment in ipairs(moments) do
    if F.keeps(moment) then
      local is_task = string.sub(moment.field, 1, 1) == 't'
      return moment.at - now_ms, is_task and string.sub(moment.field, 2) or ''
    end
  end
  return sleep_ms, ''
end
function F.register_sleeper()
  for k = SHARD_KEYS + 1, #KEYS do
    local key = KEYS[k]
    redis.call('SADD', key, identity)
    redis.call('EXPIRE', key, SLEEPERS_TTL_S)
  end
  for _, group in ipairs(watched) do F.watch_group(group, identity) end
end
function F.look_for_schedules(moments)
  local due = F.split_due(FIRING, groups, 'f', moments)
  local til = #groups > 0 and F.held_until(now_ms)
  if til then
    moments[#moments + 1] = { at = til, field = 'h' }
    return {}, false
  end
  if #due == 0 then return {}, true end
  for k, index in ipairs(due) do due[k] = groups[index] end
  return F.due_schedules(due, now_ms)
end
local session_known = redis.call('EXPIRE', SESSION, SESSION_TTL_S)
local grace_from, next_note = F.note_time(now_ms)
if set ~= '' then
  F.note_registrations(set_lease_ms, now_ms)
  F.renew_set(set, set_lease_ms, now_ms)
  F.judge_registrations(now_ms)
end
local moments = {}
local drains = F.drains_until()
local ready = drains and {} or F.split_due(MOMENTS, names, 't', moments)
local due, complete = F.look_for_schedules(moments)
local expired, next_reap = {}, math.huge
if next_note then
  expired, next_reap = F.expired_leases(grace_from)
  moments[#moments + 1] = { at = next_note, field = 'n' }
end
if next_reap < math.huge then moments[#moments + 1] = { at = next_reap, field = 'l' } end
local news = redis.call(
  'HMGET', META, 'schedules', 'cursors', 'mendFrom', 'registrations', 'spreads')
local indexes = {}
for k, index in ipairs(ready) do indexes[k] = places[index] end
local wait_ms, registered, next_task = 0, '0', ''
if #indexes == 0 and #due == 0 and #expired == 0 then
  if not drains then
    F.register_sleeper()
    registered = '1'
  end
  local until_moment, task = F.sleep_until(moments)
  wait_ms = math.min(sleep_ms, until_moment, drains and drains - now_ms or sleep_ms)
  if wait_ms == until_moment then next_task = task end
end
return {
  F.whole(math.floor(now_ms)), F.exact(math.max(0, wait_ms)),
  table.concat(indexes, ','), expired, due, tostring(session_known), registered,
  news[4] or '0', F.needs_repair(news) and '1' or '0', complete and '1' or '0',
  next_task, news[5] or nil,
}
`,
  },
  "mend": {
    sha1: "9366d6cb4c68714bd049f1d2bd832e807b7478c7",
    text: `#!lua flags=allow-oom
local F = {task_keys=0,whole=0,exact=0,read_lengths=0,lengths_text=0,change_leases=0,save_lengths=0,shortest_of=0,clamp_leases=0,note_time=0,note_leases=0,digits=0,raised=0,take_numbers=0,digits_from=0,wake_one=0,exists=0,written=0,packed=0,is_later=0,due_of_later=0,priority_of=0,counts_in=0,counts_of=0,last_in_line=0,join=0,bundles_of=0,slice_text=0,slice_in=0,read_states=0,numbers_lettered=0,set_states=0,save_bundles=0,place_in_bundle=0,read_states_of=0,letter_of=0,by_bundle=0,leave_bundles=0,is_handed=0,parse_lease=0,numbers_in=0,letters_of=0,members_of_slice=0,may_be_in_slice=0,members_of=0,named_in=0,walk_leases=0,leases_of=0,has_alone=0,update_moment=0,heal_moment=0,surplus_in_line=0,take_fences=0,write_leases=0,count_entries=0,count_hints=0,count_ready=0,is_short=0,step_in_need=0,is_at_need=0,note_mended=0,walk_hash=0,place_or=0,mended_answer=0,mend_ended=0,walk_index=0,note_running=0,add_all=0,note_slice=0,is_in_line=0,page_of_bundled=0,count_parts=0,count_bundled=0,has_bundles=0,set_counters=0,recount=0,has_left=0,mend_bundle=0,line_up=0,forget_size=0,page_of_bundles=0,last_lined=0,new_mark=0,mark_in=0,read_line=0,rejoin=0,walk_records=0,walk_line_of_bundles=0,mend_lease=0,is_running=0,page_of_claimed=0,walk_running=0,mend_later=0,is_open=0,mend_id=0,mend_tries=0,walk=0,walk_both=0,is_time=0,mend_moment=0,compare=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], claimed = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17], bundles = KEYS[b + 18],
  }
end
function F.whole(n)
  return string.format('%.0f', n)
end
function F.exact(ms)
  return string.format('%.3f', ms)
end
function F.read_lengths(text)
  local lengths = {}
  for length, count in string.gmatch(text or '', '(%d+)=(%d+)') do
    lengths[length] = tonumber(count)
  end
  return lengths
end
function F.lengths_text(lengths)
  local parts = {}
  for length, count in pairs(lengths) do
    if count > 0 then parts[#parts + 1] = length .. '=' .. count end
  end
  table.sort(parts)
  return table.concat(parts, ' ')
end
local known_lengths, known_fence = nil, nil
local lease_changes = {}
function F.change_leases(length_ms, by)
  local key = F.whole(length_ms)
  lease_changes[key] = (lease_changes[key] or 0) + by
end
function F.save_lengths()
  local lengths, changed = nil, false
  for length, by in pairs(lease_changes) do
    if by ~= 0 then
      lengths = lengths or known_lengths or F.read_lengths(redis.call('HGET', META, 'lengths'))
      lengths[length], changed = (lengths[length] or 0) + by, true
    end
  end
  lease_changes, known_lengths = {}, nil
  if changed then redis.call('HSET', META, 'lengths', F.lengths_text(lengths)) end
end
local SHORTEST_KNOWN_MS = 1000
function F.shortest_of(lengths)
  local shortest = math.huge
  for length in pairs(lengths) do shortest = math.min(shortest, tonumber(length)) end
  return shortest < math.huge and shortest or SHORTEST_KNOWN_MS
end
function F.clamp_leases(now_ms, shortest)
  local after = '(' .. F.whole(math.floor(now_ms + shortest))
  local far = redis.call('ZRANGEBYSCORE', LEASES, after, '+inf', 'WITHSCORES', 'LIMIT', 0, 1000)
  for k = 1, #far, 2 do
    local length = tonumber(string.match(redis.call('HGET', LEASE, far[k]) or '', '^(%d+)|'))
    local latest = math.floor(now_ms + (length or shortest))
    if tonumber(far[k + 1]) > latest then redis.call('ZADD', LEASES, F.whole(latest), far[k]) end
  end
end
function F.note_time(now_ms)
  if redis.call('ZCARD', LEASES) == 0 then return 0, nil, {} end
  local m = redis.call('HMGET', META, 'noted', 'graceFrom', 'lengths', 'fence')
  local noted, from = tonumber(m[1]), tonumber(m[2] or '0')
  local lengths = F.read_lengths(m[3])
  known_lengths, known_fence = lengths, m[4]
  local shortest = F.shortest_of(lengths)
  local gap = noted and now_ms - noted or math.huge
  local this = math.floor(now_ms)
  if gap > shortest * 2 / 3 or gap < 0 then
    noted, from = this, this
    redis.call('HSET', META, 'noted', F.whole(this), 'graceFrom', F.whole(this))
    if gap < 0 then F.clamp_leases(now_ms, shortest) end
  elseif gap >= shortest / 3 then
    noted = this
    redis.call('HSET', META, 'noted', F.whole(this))
  end
  return from, noted + shortest / 3, lengths
end
function F.note_leases(now_ms, lease_ms, count)
  local _, next_note, lengths = F.note_time(now_ms)
  if not next_note then
    redis.call('HSET', META, 'noted', F.whole(math.floor(now_ms)), 'graceFrom', '0')
  elseif lease_ms < F.shortest_of(lengths) then
    redis.call('HSET', META, 'noted', F.whole(math.floor(now_ms)))
  end
  F.change_leases(lease_ms, count)
end
local NUMBER_SIZE = 16
function F.digits(n)
  return string.format('%016.0f', n)
end
function F.raised(field, last, count, now)
  local first = math.max(last + 1, now)
  redis.call('HSET', META, field, F.digits(first + count - 1))
  return first
end
function F.take_numbers(field, count, now)
  return F.raised(field, tonumber(redis.call('HGET', META, field) or '0'), count, now)
end
local TWO_DIGITS = '00010203040506070809101112131415161718192021222324'
  .. '25262728293031323334353637383940414243444546474849'
  .. '50515253545556575859606162636465666768697071727374'
  .. '75767778798081828384858687888990919293949596979899'
function F.digits_from(first, count)
  local sub, texts = string.sub, {}
  local high, at = math.floor(first / 100), 1 + 2 * (first % 100)
  local head = string.format('%014.0f', high)
  for k = 1, count do
    if at > 200 then
      high, at = high + 1, 1
      head = string.format('%014.0f', high)
    end
    texts[k] = head .. sub(TWO_DIGITS, at, at + 1)
    at = at + 2
  end
  return texts
end
local heads = {}
local MOST_DEAD = 200
function F.wake_one(t)
  for _ = 1, MOST_DEAD do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return false end
    if redis.call('PUBLISH', CHANNEL .. sleeper, 't' .. t.name) > 0 then return true end
  end
  return false
end
local rare_left, seen_rare = math.huge, {}
function F.exists(key)
  if seen_rare[key] ~= nil then return seen_rare[key] end
  if rare_left == 0 then return false end
  seen_rare[key] = redis.call('EXISTS', key) == 1
  if seen_rare[key] then rare_left = rare_left - 1 end
  return seen_rare[key]
end
function F.written(key)
  seen_rare[key] = true
end
local PACKED_FROM, PACKED_BELOW = 1750000000000000, 1750000000000000 + 254 * 2 ^ 40
function F.packed(number)
  local n = tonumber(number) or 0
  if n < PACKED_FROM then return '\\0' .. number end
  if n >= PACKED_BELOW then return '\\255' .. number end
  n = n - PACKED_FROM
  local f = n % 256
  n = (n - f) / 256
  local e = n % 256
  n = (n - e) / 256
  local d = n % 256
  n = (n - d) / 256
  local c = n % 256
  n = (n - c) / 256
  local b = n % 256
  return string.char((n - b) / 256 + 1, b, c, d, e, f)
end
function F.is_later(t, number)
  return redis.call('HEXISTS', t.later, F.packed(number)) == 1
end
function F.due_of_later(t, number)
  return redis.call('ZSCORE', t.due, F.packed(number))
end
function F.priority_of(record)
  if not string.find(record, '"p":', 1, true) then return '0' end
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return '0' end
  return string.match(string.sub(record, 1, stop - 1), '"p":(-?%d+)') or '0'
end
function F.counts_in(text)
  if not text then return 0, 0, 0, 0, 0 end
  local f, c, h, row, inv = string.match(text, '^(%d+),(%d+),(%d+),(%d+),(%d+)$')
  return tonumber(f), tonumber(c), tonumber(h), tonumber(row), tonumber(inv)
end
function F.counts_of(t, number)
  return F.counts_in(F.exists(t.tries) and redis.call('HGET', t.tries, number))
end
local ALONE_AFTER = 3
function F.last_in_line(number, order)
  return order == number and '1' .. number or '1' .. order .. ':' .. number
end
function F.join(t, number, priority, row, now, order)
  if row >= ALONE_AFTER then
    F.written(t.alone)
    redis.call('RPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('RPUSH', t.ready, number)
  else
    F.written(t.prio)
    order = order or F.digits(F.take_numbers('number', 1, now))
    redis.call('ZADD', t.prio, priority, F.last_in_line(number, order))
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
local KEEP_ARGS = 8
local STATE_LETTER = { completed = 'c', dead = 'd', cancelled = 'x' }
local SURPLUS_PER_CALL = 20
local added_to = {}
local function known(t, id, now_ms)
  local entry = redis.call('HGET', t.ids, id)
  if not entry then return nil end
  local number, ended = string.match(entry, '^(%d+):?(%a?)$')
  if ended ~= '' then
    local til = tonumber(redis.call('ZSCORE', t.idends, id) or '0')
    if til <= now_ms then return nil end
    return number, ended, ''
  end
  if redis.call('SISMEMBER', t.claimed, number) == 1 then return number, 'a', '' end
  if redis.call('HEXISTS', t.jobs, number) == 1 then return number, 'r', '' end
  local due = F.due_of_later(t, number)
  if due then return number, 's', due end
  return nil
end
local BUNDLE_SIZE, SLICE_SIZE = 14, 20
local COUNTERS = 3
local LETTER_R, LETTER_A, LETTER_GONE, COLON = 114, 97, 45, 58
function F.bundles_of(t)
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
local SPELLED = '@00 @01 @02 @03 @04 @05 @06 @07 @08 @09 @10 @11 @12 @13 @14 @15 @16 @17 @18 @19 '
  .. '@20 @21 @22 @23 @24 @25 @26 @27 @28 @29 @30 @31 @32 @33 @34 @35 @36 @37 @38 @39 '
  .. '@40 @41 @42 @43 @44 @45 @46 @47 @48 @49 @50 @51 @52 @53 @54 @55 @56 @57 @58 @59 '
  .. '@60 @61 @62 @63 @64 @65 @66 @67 @68 @69 @70 @71 @72 @73 @74 @75 @76 @77 @78 @79 '
  .. '@80 @81 @82 @83 @84 @85 @86 @87 @88 @89 @90 @91 @92 @93 @94 @95 @96 @97 @98 @99'
function F.slice_text(bundle, from, to)
  return string.format('%s:%02d-%02d', bundle, from, to)
end
function F.slice_in(entry)
  local bundle, from, to = string.match(entry, '^(%d+):(%d%d)%-(%d%d)$')
  if not bundle or #entry ~= SLICE_SIZE or from > to then return nil end
  return bundle, tonumber(from), tonumber(to)
end
function F.read_states(b, key, bundles)
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
function F.numbers_lettered(bundle, letters, letter, from, to)
  local numbers, sub, find = {}, string.sub, string.find
  local at, stop = find(letters, letter, (from or 0) + 1, true), (to or 99) + 1
  while at and at <= stop do
    numbers[#numbers + 1] = bundle .. sub(TWO_DIGITS, 2 * at - 1, 2 * at)
    at = find(letters, letter, at + 1, true)
  end
  return numbers
end
function F.set_states(b, bundle, states)
  b.states[bundle], b.changed[bundle], b.is_changed = states, true, true
end
function F.save_bundles(t)
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
  if b.jobs <= 0 and b.entries <= 0 and #fields == 0
      and redis.call('HLEN', t.bundles) <= COUNTERS then
    redis.call('HDEL', t.bundles, 'n', 'a', 'e')
    return
  end
  redis.call('HSET', t.bundles, 'n', F.whole(b.jobs), 'a', F.whole(b.running), 'e', F.whole(b.entries),
    unpack(fields))
end
function F.place_in_bundle(b, number)
  local bundle = string.sub(number, 1, BUNDLE_SIZE)
  local states = b.states[bundle]
  if not states or #number ~= NUMBER_SIZE then return nil end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1))
  if not place then return nil end
  local letter = string.sub(states, place + 1, place + 1)
  if letter ~= 'r' and letter ~= 'a' then return nil end
  return bundle, place, letter
end
function F.read_states_of(t, numbers)
  local bundles, before, wanted = {}, nil, t.bundled.wanted
  for _, number in ipairs(numbers) do
    local bundle = string.sub(number, 1, BUNDLE_SIZE)
    if bundle ~= before then bundles[#bundles + 1], before = bundle, bundle end
    wanted[bundle] = (wanted[bundle] or 0) + 1
  end
  F.read_states(t.bundled, t.bundles, bundles)
end
function F.letter_of(t, number)
  if not F.bundles_of(t) then return nil end
  F.read_states_of(t, { number })
  local _, _, letter = F.place_in_bundle(t.bundled, number)
  return letter
end
local FEW_WANTED = 3
function F.by_bundle(numbers)
  local places, bundles, others, sub, byte = {}, {}, {}, string.sub, string.byte
  for k = 1, #numbers do
    local number = numbers[k]
    local tens, ones = byte(number, BUNDLE_SIZE + 1, BUNDLE_SIZE + 2)
    if #number == NUMBER_SIZE and tens >= 48 and ones >= 48 and tens <= 57 and ones <= 57 then
      local bundle = sub(number, 1, BUNDLE_SIZE)
      local here = places[bundle]
      if not here then
        here = {}
        places[bundle], bundles[#bundles + 1] = here, bundle
      end
      here[#here + 1] = 10 * tens + ones - 528
    else
      others[#others + 1] = number
    end
  end
  return places, bundles, others
end
function F.leave_bundles(t, numbers)
  local b = F.bundles_of(t)
  if not b then return numbers end
  local places, bundles, others = F.by_bundle(numbers)
  F.read_states(b, t.bundles, bundles)
  for _, bundle in ipairs(bundles) do
    local letters, here = b.states[bundle], places[bundle]
    local all, left, running = letters and { string.byte(letters, 1, -1) }, 0, 0
    for k = 1, #here do
      local letter = all and all[here[k] + 1]
      if letter == LETTER_R or letter == LETTER_A then
        all[here[k] + 1], left = LETTER_GONE, left + 1
        if letter == LETTER_A then running = running + 1 end
      else
        others[#others + 1] = bundle .. string.format('%02d', here[k])
      end
    end
    b.jobs, b.running = b.jobs - left, b.running - running
    if left > 0 then F.set_states(b, bundle, string.char(unpack(all))) end
  end
  return others
end
local HANDED_MS, HANDED_LENGTH_MS = 2000, 10000
function F.is_handed(length)
  return string.byte(length) == 48
end
function F.parse_lease(fence, text)
  local a = text and string.find(text, '|', 1, true)
  local b = a and string.find(text, '|', a + 1, true)
  local c = b and string.find(text, '|', b + 1, true)
  if not c then return nil end
  local slice = c - b - 1 == SLICE_SIZE and { F.slice_in(string.sub(text, b + 1, c - 1)) } or nil
  if slice and not slice[1] then return nil end
  return {
    slice = slice, fence = fence, text = text, from = b + 1, to = c - 1, head = b, owner = a + 1,
    length = tonumber(string.sub(text, 1, a - 1)) or 0, handed = F.is_handed(text),
    task = string.sub(text, c + 1),
  }
end
function F.numbers_in(text)
  local sub, numbers, n = string.sub, {}, 0
  for at = 1, #text, NUMBER_SIZE + 1 do
    n = n + 1
    numbers[n] = sub(text, at, at + NUMBER_SIZE - 1)
  end
  return numbers
end
function F.letters_of(lease)
  local t, bundle = lease.t, lease.slice[1]
  local b = t and F.bundles_of(t)
  if not b then return nil end
  F.read_states(b, t.bundles, { bundle })
  return b.states[bundle] or nil
end
function F.members_of_slice(lease)
  local letters = F.letters_of(lease)
  if not letters then return {} end
  return F.numbers_lettered(lease.slice[1], letters, 'a', lease.slice[2], lease.slice[3])
end
function F.may_be_in_slice(lease, numbers)
  local found, letters = {}, #numbers > 0 and F.letters_of(lease)
  for _, number in ipairs(numbers) do
    local place = #number == NUMBER_SIZE and tonumber(string.sub(number, BUNDLE_SIZE + 1))
    local is_named = place and lease.t and place >= lease.slice[2] and place <= lease.slice[3]
    if is_named and (not letters or string.byte(letters, place + 1) == LETTER_A) then
      found[#found + 1] = number
    end
  end
  return found
end
local FEW = 6
local MOST_LOOKED_AFTER = 50
function F.members_of(lease)
  if lease.slice then return F.members_of_slice(lease) end
  return F.numbers_in(string.sub(lease.text, lease.from, lease.to))
end
local PIECE_BYTES = 8000
local MOST_BYTES_SEEN, LEASES_PER_PAGE, BYTES_PER_PAIR = 256 * 1024, 50, 50
function F.named_in(lease, wanted, by_bundles)
  if lease.slice then return F.may_be_in_slice(lease, by_bundles[lease.slice[1]] or {}) end
  local named = {}
  for _, number in ipairs(F.members_of(lease)) do
    if wanted[number] then named[#named + 1] = number end
  end
  return named
end
local BYTES_PER_LEASE = 200
local OF_A_BUNDLE = '^%d+|[^|]*|(%d+):%d%d%-%d%d|'
function F.walk_leases(t, wanted, cursor, most_bytes, each)
  local bytes, by_bundles = 0, {}
  for number in pairs(wanted) do
    local bundle = string.sub(number, 1, BUNDLE_SIZE)
    by_bundles[bundle] = by_bundles[bundle] or {}
    table.insert(by_bundles[bundle], number)
  end
  repeat
    local page = redis.call('HSCAN', LEASE, cursor, 'COUNT', LEASES_PER_PAGE)
    for k = 1, #page[2], 2 do
      local text = page[2][k + 1]
      local bundle = string.match(text, OF_A_BUNDLE)
      local lease = (not bundle or by_bundles[bundle]) and F.parse_lease(page[2][k], text)
      bytes = bytes + #text + BYTES_PER_LEASE
      if lease then
        if lease.task == t.name then lease.t = t end
        for _, number in ipairs(F.named_in(lease, wanted, by_bundles)) do each(number, lease) end
      end
    end
    cursor = page[1]
  until cursor == '0' or next(wanted) == nil or bytes >= most_bytes
  return cursor
end
function F.leases_of(t, numbers, most_bytes)
  local wanted, leases = {}, {}
  for _, number in ipairs(numbers) do wanted[number] = true end
  F.walk_leases(t, wanted, '0', most_bytes, function(number, lease)
    leases[number], wanted[number] = lease, nil
  end)
  return leases
end
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
local touched = {}
local MOST_KEPT = 100
local INSTANCE = string.sub(SESSION, #META + 5, #META + 12)
local ALLOW, SKIP, BUFFER_ONE, CANCEL_OTHER = 0, 1, 2, 4
local MOST_BUFFERED = 1000
local MOST_SOUGHT = 50
local over = {}
local MOST_BYTES = 4 * 1024 * 1024
local MOST_PROMOTED = 150
local promote_budget = { jobs = MOST_PROMOTED, bytes = MOST_BYTES }
local cancelled_left = 1000
function F.has_alone(t)
  if not F.exists(t.alone) then return false end
  while true do
    local number = redis.call('LINDEX', t.alone, 0)
    if not number then return false end
    local there = redis.call('HEXISTS', t.jobs, number) == 1
    if there and redis.call('SISMEMBER', t.claimed, number) == 0 then return true end
    if cancelled_left == 0 then return nil end
    cancelled_left = cancelled_left - 1
    redis.call('LPOP', t.alone)
    redis.call('HINCRBY', META, 'aloneJobs', -1)
  end
end
function F.update_moment(t, now_ms, alone_from)
  if redis.call('LLEN', t.ready) > 0 or (F.exists(t.prio) and redis.call('ZCARD', t.prio) > 0) then
    redis.call('ZADD', MOMENTS, 0, t.name)
    return true
  end
  local next_due = F.exists(t.due) and redis.call('ZRANGE', t.due, 0, 0, 'WITHSCORES')[2]
  local moment = next_due and tonumber(next_due) or nil
  if moment and moment <= now_ms then
    redis.call('ZADD', MOMENTS, 0, t.name)
    return true
  end
  local alone = F.has_alone(t)
  if alone then
    moment = math.min(moment or math.huge, alone_from or 0)
  elseif alone == nil then
    moment = 0
  end
  if moment then
    redis.call('ZADD', MOMENTS, F.exact(moment), t.name)
  else
    redis.call('ZREM', MOMENTS, t.name)
  end
  return false
end
function F.heal_moment(t, now_ms)
  local before = redis.call('ZSCORE', MOMENTS, t.name)
  local alone_til = F.exists(t.alone) and tonumber(redis.call('HGET', META, 'aloneTil') or nil)
  local is_ready = F.update_moment(t, now_ms, alone_til and alone_til > now_ms and alone_til)
  if before or not redis.call('ZSCORE', MOMENTS, t.name) then return false end
  if is_ready then F.wake_one(t) end
  return true
end
local LEAST_SLICE = 8
local NOTHING = { count = 0, bytes = 0 }
function F.surplus_in_line(t)
  local b = F.bundles_of(t)
  return b and b.jobs - b.running - b.entries or 0
end
local MOST_JOBS = 1000
local FIRST_CHUNK = 16
local MOST_SHARERS = 7
local MOST_PER_LEASE = 100
function F.take_fences(count, now)
  local last = tonumber(known_fence or redis.call('HGET', META, 'fence') or '0')
  return F.raised('fence', last, count, now)
end
function F.write_leases(leases, lease_ms, owner, now)
  if #leases == 0 then return {} end
  local now_ms = now / 1000
  F.note_leases(now_ms, lease_ms, #leases)
  local fences = F.digits_from(F.take_fences(#leases, now), #leases)
  local texts, ends, ends_at = {}, {}, F.whole(math.floor(now_ms + lease_ms))
  local head = F.whole(lease_ms) .. '|' .. owner .. '|'
  for k, lease in ipairs(leases) do
    texts[2 * k - 1] = fences[k]
    lease.joined = lease.joined or table.concat(lease.numbers, ' ')
    texts[2 * k] = head .. lease.joined .. '|' .. lease.t.name
    ends[2 * k - 1], ends[2 * k] = ends_at, fences[k]
  end
  redis.call('HSET', LEASE, unpack(texts))
  redis.call('ZADD', LEASES, unpack(ends))
  return fences
end
function F.count_entries(t)
  return redis.call('LLEN', t.ready) + redis.call('LLEN', t.alone) + redis.call('ZCARD', t.prio)
end
function F.count_hints(t)
  return F.count_entries(t) + F.surplus_in_line(t)
end
function F.count_ready(t)
  local b = F.bundles_of(t)
  return redis.call('HLEN', t.jobs) - redis.call('SCARD', t.claimed)
    + (b and b.jobs - b.running or 0)
end
function F.is_short(t)
  return F.count_ready(t) > F.count_hints(t)
end
function F.step_in_need(t)
  if F.is_short(t) then return '4' end
  if redis.call('HLEN', t.later) > redis.call('ZCARD', t.due) then return '6' end
  return nil
end
function F.is_at_need(place, need)
  local step = string.sub(place, 1, 2)
  return step == need .. ':' or (need == '4' and step == '5:')
end
local PIECE, PIECE_BYTES, PAGE = 200, 4 * 1024 * 1024, 20
local work = { left = PIECE, bytes = PIECE_BYTES }
local kinds, mended = {}, {}
function F.note_mended(kind, n)
  if n == 0 then return end
  if not mended[kind] then kinds[#kinds + 1] = kind end
  mended[kind] = (mended[kind] or 0) + n
end
function F.walk_hash(key, from, each, count)
  local page = redis.call('HSCAN', key, from, 'COUNT', count or PAGE)
  for k = 1, #page[2], 2 do
    work.bytes = work.bytes - #page[2][k + 1]
    each(page[2][k], page[2][k + 1])
  end
  work.left = work.left - 1 - #page[2] / 2
  return page[1]
end
function F.place_or(place, first)
  return place and place ~= '' and place or first
end
function F.mended_answer(...)
  local answer = { ... }
  for _, kind in ipairs(kinds) do
    answer[#answer + 1] = kind
    answer[#answer + 1] = F.whole(mended[kind])
  end
  return answer
end
local INDEX = { c = 'completed', d = 'dead', x = 'cancelled' }
function F.mend_ended(t, number, text)
  local letter, at = string.match(text, '^(%a)|(%d+)|')
  local index = letter and INDEX[letter]
  if index and redis.call('ZSCORE', t[index], number) then return end
  F.note_mended('ended', 1)
  if index then
    redis.call('ZADD', t[index], at, number)
  else
    redis.call('HDEL', t.ended, number)
  end
end
function F.walk_index(t, key, from)
  local numbers = redis.call('ZRANGE', key, from, from + PAGE - 1)
  local gone = 0
  for _, number in ipairs(numbers) do
    if redis.call('HEXISTS', t.ended, number) == 0 then
      redis.call('ZREM', key, number)
      gone = gone + 1
    end
  end
  F.note_mended('ended', gone)
  work.left = work.left - 1 - #numbers
  return #numbers < PAGE and '0' or F.whole(from + #numbers - gone)
end
local BUNDLES_A_PAGE = 3
function F.note_running(t, slice)
  local b, changed = F.bundles_of(t), 0
  if not b then return 0 end
  F.read_states(b, t.bundles, { slice[1] })
  local letters = b.states[slice[1]]
  if not letters then return 0 end
  local part = string.sub(letters, slice[2] + 1, slice[3] + 1)
  part, changed = string.gsub(part, 'r', 'a')
  if changed == 0 then return 0 end
  F.set_states(b, slice[1],
    string.sub(letters, 1, slice[2]) .. part .. string.sub(letters, slice[3] + 2))
  b.running = b.running + changed
  F.save_bundles(t)
  return changed
end
function F.add_all(numbers, more)
  for _, number in ipairs(more) do numbers[#numbers + 1] = number end
end
function F.note_slice(parts, bundle, from, to)
  if not bundle then return end
  parts[bundle] = parts[bundle] or {}
  table.insert(parts[bundle], { from, to })
end
function F.is_in_line(parts, bundle, place)
  for _, part in ipairs(parts[bundle] or {}) do
    if place >= part[1] and place <= part[2] then return true end
  end
  return false
end
function F.page_of_bundled(t, from)
  local b = F.bundles_of(t)
  if b and b.running == 0 then return '0', {} end
  local page = redis.call('HSCAN', t.bundles, from, 'COUNT', BUNDLES_A_PAGE)
  local here = {}
  for k = 1, #page[2], 2 do
    local bundle = string.match(page[2][k], '^(%d+)s$')
    work.bytes = work.bytes - #page[2][k + 1]
    if bundle then F.add_all(here, F.numbers_lettered(bundle, page[2][k + 1], 'a')) end
  end
  work.left = work.left - 1 - #here
  return page[1], here
end
local MOST_COUNTED, MOST_PER_FIELD = 60, 50
function F.count_parts(key, most)
  local parts = 0
  for _, entry in ipairs(redis.call('LRANGE', key, 0, most)) do
    if #entry == SLICE_SIZE then parts = parts + 1 end
  end
  return parts
end
function F.count_bundled(t)
  local jobs, running, cursor = 0, 0, '0'
  repeat
    local page = redis.call('HSCAN', t.bundles, cursor, 'COUNT', MOST_COUNTED)
    for k = 1, #page[2], 2 do
      if string.find(page[2][k], '^%d+s$') then
        local letters = page[2][k + 1]
        local _, gone = string.gsub(letters, '-', '-')
        local _, here = string.gsub(letters, 'a', 'a')
        jobs, running = jobs + #letters - gone, running + here
      end
      work.bytes = work.bytes - #page[2][k + 1]
    end
    cursor = page[1]
  until cursor == '0'
  return jobs, running
end
function F.has_bundles(t)
  local counters = 0
  for _, text in ipairs(redis.call('HMGET', t.bundles, 'n', 'a', 'e')) do
    if text then counters = counters + 1 end
  end
  return redis.call('HLEN', t.bundles) > counters
end
function F.set_counters(t, jobs, running, entries)
  local b = F.bundles_of(t)
  local is_same = b and b.jobs == jobs and b.running == running and b.entries == entries
  if jobs == 0 and entries == 0 and not F.has_bundles(t) then
    t.bundled = nil
    redis.call('HDEL', t.bundles, 'n', 'a', 'e')
  elseif not is_same then
    t.bundled = nil
    redis.call('HSET', t.bundles, 'n', F.whole(jobs), 'a', F.whole(running), 'e', F.whole(entries))
  end
  return is_same and 0 or 1
end
function F.recount(t)
  local fields, length = redis.call('HLEN', t.bundles), redis.call('LLEN', t.ready)
  if fields == 0 then return 0, true end
  if fields <= MOST_COUNTED and length <= MOST_COUNTED then
    local jobs, running = F.count_bundled(t)
    return F.set_counters(t, jobs, running, F.count_parts(t.ready, length)), true
  end
  if F.bundles_of(t) then return 0, false end
  return F.set_counters(t, MOST_PER_FIELD * fields, 1, length), false
end
function F.has_left(t, number)
  return redis.call('HEXISTS', t.jobs, number) == 1 or F.is_later(t, number)
    or redis.call('HEXISTS', t.ended, number) == 1
end
function F.mend_bundle(t, bundle, parts, lease_to_nobody)
  local b = F.bundles_of(t)
  if not b then return 0 end
  F.read_states(b, t.bundles, { bundle })
  local letters, text = b.states[bundle], nil
  if letters and redis.call('HEXISTS', t.bundles, bundle) == 1 then return 0 end
  if letters then
    local all = F.numbers_lettered(bundle, letters, 'r')
    F.add_all(all, F.numbers_lettered(bundle, letters, 'a'))
    F.leave_bundles(t, all)
    F.save_bundles(t)
    return #all
  end
  text = redis.call('HGET', t.bundles, bundle)
  if not text then return 0 end
  local _, count = string.gsub(text, '%z', '')
  local numbers, found, homeless = {}, {}, {}
  for place = 0, math.min(count, 99) do
    numbers[place + 1] = bundle .. string.format('%02d', place)
  end
  local leases = F.leases_of(t, numbers, math.huge)
  work.left = work.left - redis.call('HLEN', LEASE)
  for k, number in ipairs(numbers) do
    local is_ready = F.is_in_line(parts, bundle, k - 1) and not leases[number]
    found[k] = F.has_left(t, number) and '-' or is_ready and 'r' or 'a'
    if found[k] == 'a' and not leases[number] then homeless[#homeless + 1] = number end
  end
  letters = table.concat(found)
  local _, running = string.gsub(letters, 'a', 'a')
  local _, gone = string.gsub(letters, '-', '-')
  b.jobs, b.running = b.jobs + #letters - gone, b.running + running
  F.set_states(b, bundle, letters)
  F.save_bundles(t)
  lease_to_nobody(homeless)
  return #letters
end
function F.line_up(t, bundle, parts)
  local b, count, from = F.bundles_of(t), 0, nil
  local letters = b and b.states[bundle]
  if not letters then return 0 end
  for place = 0, #letters do
    local is_ready = string.sub(letters, place + 1, place + 1) == 'r'
    if is_ready and not F.is_in_line(parts, bundle, place) then
      from, count = from or place, count + 1
    elseif from then
      redis.call('RPUSH', t.ready, F.slice_text(bundle, from, place - 1))
      F.note_slice(parts, bundle, from, place - 1)
      b.entries, b.is_changed, from = b.entries + 1, true, nil
    end
  end
  if count > 0 then redis.call('ZADD', MOMENTS, 0, t.name) end
  return count
end
function F.forget_size(t, bundle)
  local b = F.bundles_of(t)
  if b then F.read_states(b, t.bundles, { bundle }) end
  if b and b.states[bundle] or redis.call('HEXISTS', t.bundles, bundle) == 1 then return end
  redis.call('HDEL', t.bundles, bundle .. 'z')
  F.note_mended('counts', 1)
end
function F.page_of_bundles(t, from, parts, lines_up, lease_to_nobody)
  local page = redis.call('HSCAN', t.bundles, from, 'COUNT', BUNDLES_A_PAGE)
  for k = 1, #page[2], 2 do
    work.bytes, work.left = work.bytes - #page[2][k + 1], work.left - 1
    local bundle, letter = string.match(page[2][k], '^(%d+)([sz]?)$')
    if letter == 'z' then
      F.forget_size(t, bundle)
    elseif bundle then
      F.note_mended('running', F.mend_bundle(t, bundle, parts, lease_to_nobody))
    end
    if letter == 's' and lines_up then F.note_mended('ready', F.line_up(t, bundle, parts)) end
  end
  F.save_bundles(t)
  return page[1]
end
local MOST_HINTS, STEP_OF_RECORDS = 1000, 4
local MARKED_START = '^0:%d+$'
function F.last_lined(t)
  return tonumber(redis.call('HGET', META, 'lined ' .. t.name) or '0')
end
function F.new_mark(t, now)
  return F.whole(math.max(math.floor(now / 1000), F.last_lined(t) + 1))
end
function F.mark_in(t, mark)
  return mark ~= '' and tonumber(mark) > F.last_lined(t) and mark or ''
end
local known_line = nil
function F.read_line(t, n)
  if known_line then return known_line end
  known_line = { numbers = {}, parts = {} }
  if n > MOST_HINTS then return known_line end
  for _, key in ipairs({ t.ready, t.alone }) do
    for _, entry in ipairs(redis.call('LRANGE', key, 0, MOST_HINTS)) do
      known_line.numbers[entry] = true
      if #entry == SLICE_SIZE then F.note_slice(known_line.parts, F.slice_in(entry)) end
    end
  end
  for _, member in ipairs(redis.call('ZRANGE', t.prio, 0, MOST_HINTS)) do
    known_line.numbers[string.sub(member, -NUMBER_SIZE)] = true
  end
  return known_line
end
function F.rejoin(t, number, record, now)
  local _, _, _, row = F.counts_of(t, number)
  F.join(t, number, F.priority_of(record), row, F.digits(now))
end
function F.walk_records(t, place, now)
  local n, from, mark = F.count_entries(t), string.match(place, '^(%d+):?(%d*)$')
  mark = F.mark_in(t, mark)
  if from == '0' and F.is_short(t) then mark = F.new_mark(t, now) end
  if n > MOST_HINTS and mark == '' then return '0' end
  local known, lost, records = F.read_line(t, n).numbers, {}, {}
  local function is_lost(number, record)
    if known[number] or redis.call('SISMEMBER', t.claimed, number) == 1 then return end
    lost[#lost + 1], records[number] = number, record
  end
  local following = from
  repeat
    following = F.walk_hash(t.jobs, following, is_lost)
  until following == '0' or #lost > PAGE or work.left <= 0 or work.bytes <= 0
  local leases = #lost > 0 and F.leases_of(t, lost, math.huge) or {}
  if #lost > 0 then work.left = work.left - redis.call('HLEN', LEASE) end
  for _, number in ipairs(lost) do
    known[number] = true
    if leases[number] then
      redis.call('SADD', t.claimed, number)
    else
      F.rejoin(t, number, records[number], now)
    end
  end
  F.note_mended('ready', #lost)
  return mark == '' and following or following .. ':' .. mark
end
function F.walk_line_of_bundles(t, place, lease_to_nobody)
  local from, entries, mark = string.match(place, '^(%d+):(%d+):(%d+)$')
  if not from then from, mark = string.match(place, '^(%d+):?(%d*)$') end
  mark = F.mark_in(t, mark)
  if mark == '' and F.is_short(t) then return '0', STEP_OF_RECORDS end
  local n, is_marked = F.count_entries(t), mark ~= ''
  local parts = F.read_line(t, n).parts
  if from == '0' or not F.bundles_of(t) then
    local changed, is_exact = F.recount(t)
    local b = F.bundles_of(t)
    F.note_mended('counts', changed)
    if from == '0' then entries = b and not is_exact and math.max(0, b.entries) or 0 end
  end
  from = F.page_of_bundles(t, from, parts, n <= MOST_HINTS or is_marked, lease_to_nobody)
  if from ~= '0' then
    return is_marked and table.concat({ from, F.whole(tonumber(entries or 0)), mark }, ':') or from
  end
  local b = F.bundles_of(t)
  if is_marked then redis.call('HSET', META, 'lined ' .. t.name, mark) end
  if not b then return '0' end
  if F.count_entries(t) <= MOST_HINTS then
    local changed = F.set_counters(t, b.jobs, b.running, F.count_parts(t.ready, MOST_HINTS))
    if not is_marked then F.note_mended('counts', changed) end
  elseif is_marked then
    b.entries, b.is_changed = math.max(0, b.entries - tonumber(entries or 0)), true
    F.save_bundles(t)
  end
  return '0'
end
local PAUSE_MS, DAY_MS = 50000, 86400000
local LEASES_A_PAGE, LENGTH_MS, NOBODY = 3, 10000, 'nobody'
local urgent, from_place, task_count = ARGV[1] == '1', ARGV[2], tonumber(ARGV[3])
local t = nil
local now = now_us()
local now_ms = now / 1000
local this = F.whole(math.floor(now_ms))
function F.mend_lease(fence, text)
  local lease = F.parse_lease(fence, text)
  if not lease then
    redis.call('HDEL', LEASE, fence)
    redis.call('ZREM', LEASES, fence)
    return F.note_mended('leases', 1)
  end
  if not redis.call('ZSCORE', LEASES, fence) then
    redis.call('ZADD', LEASES, F.whole(math.floor(now_ms + lease.length)), fence)
    F.note_mended('leases', 1)
  end
  if lease.task ~= t.name then return end
  lease.t = t
  if lease.slice then
    F.note_mended('running', F.note_running(t, lease.slice))
    work.left = work.left - 1
    return
  end
  for _, number in ipairs(F.members_of(lease)) do
    if redis.call('SISMEMBER', t.claimed, number) == 0
        and redis.call('HEXISTS', t.jobs, number) == 1 then
      redis.call('SADD', t.claimed, number)
      F.note_mended('running', 1)
    end
    work.left = work.left - 1
  end
end
local function lease_to_nobody(numbers)
  for from = 1, #numbers, MOST_PER_LEASE do
    local piece = { unpack(numbers, from, math.min(from + MOST_PER_LEASE - 1, #numbers)) }
    F.write_leases({ { t = t, numbers = piece } }, LENGTH_MS, NOBODY, now)
  end
  F.note_mended('running', #numbers)
end
function F.is_running(number)
  return F.letter_of(t, number) == 'a' or redis.call('SISMEMBER', t.claimed, number) == 1
    and redis.call('HEXISTS', t.jobs, number) == 1
end
function F.page_of_claimed(_, from)
  local page = redis.call('SSCAN', t.claimed, from, 'COUNT', PIECE)
  local here = {}
  for _, number in ipairs(page[2]) do
    if redis.call('HEXISTS', t.jobs, number) == 1 then
      here[#here + 1] = number
    else
      redis.call('SREM', t.claimed, number)
      F.note_mended('running', 1)
    end
  end
  work.left = work.left - 1 - #page[2]
  return page[1], here
end
function F.walk_running(from, page_of)
  local scan, cursor, rest = string.match(from, '^(%d+):(%d+):([%d ]+)$')
  local sought, wanted = scan and F.numbers_in(rest), {}
  local is_whole = not scan
  if is_whole then
    scan, sought = page_of(t, from)
    cursor = '0'
  end
  for _, number in ipairs(sought) do wanted[number] = true end
  if #sought > 0 then
    cursor = F.walk_leases(t, wanted, cursor, MOST_BYTES_SEEN, function(number)
      wanted[number] = nil
    end)
    work.left = cursor == '0' and work.left - redis.call('HLEN', LEASE) or 0
  end
  local left = {}
  for _, number in ipairs(sought) do
    if wanted[number] and F.is_running(number) then left[#left + 1] = number end
  end
  if #left == 0 then return scan end
  if cursor ~= '0' then return scan .. ':' .. cursor .. ':' .. table.concat(left, ' ') end
  local leases = is_whole and {} or F.leases_of(t, left, math.huge)
  local homeless = {}
  for _, number in ipairs(left) do
    if not leases[number] then homeless[#homeless + 1] = number end
  end
  lease_to_nobody(homeless)
  return scan
end
function F.mend_later(name)
  if redis.call('ZSCORE', t.due, name) then return end
  redis.call('ZADD', t.due, this, name)
  F.note_mended('scheduled', 1)
end
function F.is_open(number)
  return redis.call('HEXISTS', t.jobs, number) == 1 or F.is_later(t, number)
end
function F.mend_id(id, text)
  local number, state = string.match(text, '^(%d+):?(%a?)$')
  if number and state ~= '' and redis.call('ZSCORE', t.idends, id) then return end
  if number and state == '' and F.is_open(number) then return end
  F.note_mended('ids', 1)
  local ended = number and redis.call('HGET', t.ended, number)
  local letter = state ~= '' and state or string.match(ended or '', '^%a')
  if number and letter then
    redis.call('HSET', t.ids, id, number .. ':' .. letter)
    redis.call('ZADD', t.idends, F.whole(now_ms + DAY_MS), id)
  else
    redis.call('HDEL', t.ids, id)
  end
end
function F.mend_tries(number)
  if F.is_open(number) then return end
  redis.call('HDEL', t.tries, number)
  redis.call('HDEL', t.errors, number)
  F.note_mended('counts', 1)
end
local STEPS = {
  function(from) return F.walk_hash(LEASE, from, F.mend_lease, LEASES_A_PAGE) end,
  function(from) return F.walk_running(from, F.page_of_claimed) end,
  function(from) return F.walk_running(from, F.page_of_bundled) end,
  function(from) return F.walk_records(t, from, now) end,
  function(from) return F.walk_line_of_bundles(t, from, lease_to_nobody) end,
  function(from) return F.walk_hash(t.later, from, F.mend_later) end,
  function(from) return F.walk_hash(t.ids, from, F.mend_id) end,
  function(from)
    return F.walk_hash(t.ended, from, function(number, text) F.mend_ended(t, number, text) end)
  end,
  function(from) return F.walk_index(t, t.dead, tonumber(from)) end,
  function(from) return F.walk_index(t, t.cancelled, tonumber(from)) end,
  function(from) return F.walk_index(t, t.completed, tonumber(from)) end,
  function(from) return F.walk_hash(t.tries, from, F.mend_tries) end,
}
local LAST_OF_RUNNING = STEP_OF_RECORDS - 1
function F.walk(place, last)
  local step, from = string.match(place, '^(%d+):(%d[%d: ]*)$')
  step = tonumber(step)
  while step <= last and work.left > 0 and work.bytes > 0 do
    local next_from, back_to = STEPS[step](from)
    if back_to then
      step = back_to
    elseif next_from == '0' or string.find(next_from, MARKED_START) then
      step = step + 1
    end
    from = next_from
  end
  return step <= last and step .. ':' .. from or ''
end
function F.walk_both(noted)
  local rest, running, turn = string.match(noted, '^%d+ ?([^;]*);?([^;]*);?(%a?)$')
  local need = F.step_in_need(t)
  local is_marked = string.find(rest or '', '^[45]:%d+:%d')
  if need and not is_marked and not F.is_at_need(rest or '', need) then rest = need .. ':0' end
  local function go_on_running()
    running = F.walk(F.place_or(running, '1:0'), LAST_OF_RUNNING)
    return #kinds > 0 and running or ''
  end
  local hurry, rest_first = '', need or turn == 'r'
  if not rest_first then hurry = go_on_running() end
  if rest_first or running == '' then
    rest = F.walk(F.place_or(rest, LAST_OF_RUNNING + 1 .. ':0'), #STEPS)
  end
  if rest_first and work.left > 0 and work.bytes > 0 then go_on_running() end
  turn = running ~= '' and not rest_first and 'r' or ''
  local noted_next = table.concat({ rest or '', running or '', turn }, ';')
  return noted_next, F.place_or(hurry, rest or '')
end
function F.is_time(noted)
  local at = tonumber(string.match(noted, '^%d+'))
  return not at or at > now_ms or now_ms - at >= PAUSE_MS
end
function F.mend_moment()
  if F.heal_moment(t, now_ms) then F.note_mended('moments', 1) end
end
function F.compare()
  if urgent then
    local following = F.walk(F.place_or(from_place, '1:0'), #STEPS)
    F.mend_moment()
    return following
  end
  local field = 'mend ' .. t.name
  local noted = redis.call('HGET', META, field) or ''
  if not F.is_time(noted) then return '' end
  local noted_next, following = F.walk_both(noted)
  F.mend_moment()
  redis.call('HSET', META, field, this .. ' ' .. noted_next)
  return following
end
F.note_time(now_ms)
local seen, following = 0, ''
repeat
  seen = seen + 1
  t, known_line = F.task_keys(seen, ARGV[3 + seen]), nil
  following = F.compare()
  F.save_lengths()
until seen == task_count or #kinds > 0 or work.left < PIECE / 2 or work.bytes < PIECE_BYTES / 2
return F.mended_answer(F.whole(seen), following)
`,
  },
  "open": {
    sha1: "00f4facd09b9a7864a629e9621a42a30f3106443",
    text: `#!lua flags=allow-oom
local F = {whole=0,packed=0,key_of=0,name_claimed=0,pack_later=0,lift_layout=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.whole(n)
  return string.format('%.0f', n)
end
local NUMBER_SIZE = 16
local TWO_DIGITS = '00010203040506070809101112131415161718192021222324'
  .. '25262728293031323334353637383940414243444546474849'
  .. '50515253545556575859606162636465666768697071727374'
  .. '75767778798081828384858687888990919293949596979899'
local heads = {}
local PACKED_FROM, PACKED_BELOW = 1750000000000000, 1750000000000000 + 254 * 2 ^ 40
function F.packed(number)
  local n = tonumber(number) or 0
  if n < PACKED_FROM then return '\\0' .. number end
  if n >= PACKED_BELOW then return '\\255' .. number end
  n = n - PACKED_FROM
  local f = n % 256
  n = (n - f) / 256
  local e = n % 256
  n = (n - e) / 256
  local d = n % 256
  n = (n - d) / 256
  local c = n % 256
  n = (n - c) / 256
  local b = n % 256
  return string.char((n - b) / 256 + 1, b, c, d, e, f)
end
function F.key_of(task, name)
  return string.sub(META, 1, -5) .. 't:' .. task .. ':' .. name
end
function F.name_claimed()
  local cursor = '0'
  repeat
    local page = redis.call('HSCAN', LEASE, cursor, 'COUNT', 200)
    for k = 2, #page[2], 2 do
      local numbers, task = string.match(page[2][k], '^%d+|[^|]*|([%d ]*)|(.*)$')
      for number in string.gmatch(numbers or '', '%d+') do
        redis.call('SADD', F.key_of(task, 'claimed'), number)
      end
    end
    cursor = page[1]
  until cursor == '0'
end
function F.pack_later(task)
  local t, cursor = { later = F.key_of(task, 'later'), due = F.key_of(task, 'due') }, '0'
  repeat
    local page = redis.call('HSCAN', t.later, cursor, 'COUNT', 200)
    for k = 1, #page[2], 2 do
      local number, record = page[2][k], page[2][k + 1]
      if string.find(number, '^%d+$') and #number == 16 then
        local due = redis.call('ZSCORE', t.due, number)
        redis.call('HDEL', t.later, number)
        redis.call('ZREM', t.due, number)
        redis.call('HSET', t.later, F.packed(number), record)
        if due then redis.call('ZADD', t.due, due, F.packed(number)) end
      end
    end
    cursor = page[1]
  until cursor == '0'
end
function F.lift_layout(layout)
  local version, wanted = tonumber(redis.call('HGET', layout, 'version') or ''), tonumber(ARGV[1])
  if not version or version >= 5 or wanted < 5 then return end
  if version < 2 then redis.call('DEL', SCHEDULES, CURSORS, KEEPERS) end
  if version < 3 then F.name_claimed() end
  if version < 4 then
    for _, task in ipairs(redis.call('ZRANGE', MOMENTS, 0, -1)) do F.pack_later(task) end
  end
  redis.call('HSET', layout, 'version', '5')
end
local layout = KEYS[SHARD_KEYS + 1]
if redis.call('HSETNX', layout, 'version', ARGV[1]) == 1 then
  redis.call('HSET', layout, 'shards', ARGV[2], 'born', ARGV[3])
end
F.lift_layout(layout)
local l = redis.call('HMGET', layout, 'version', 'shards', 'born')
local asked = redis.call('HGET', META, 'spreadsOf') or ''
return { l[1] or '', l[2] or '', l[3] or '', F.whole(math.floor(now_us() / 1000)), asked }
`,
  },
  "parcel": {
    sha1: "f3f035a1592acd975439437ffdedb25656dbcb7d",
    text: `#!lua flags=allow-oom
local F = {whole=0,stamp=0,group_of=0,wake_of=0,member_of=0,parse_schedule=0,read_schedule=0,touch=0,write_state=0,add_name=0,refresh_group=0,refresh_groups=0,read_parcels=0,write_parcels=0,may_be_taken=0,forget_left=0,note_left=0,parcel_fields=0,drop_parcel=0,take_in=0,put_back=0,settle=0,may_be_elsewhere=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.whole(n)
  return string.format('%.0f', n)
end
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
function F.stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end
function F.group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end
function F.wake_of(s)
  if not s.next_at or (s.paused_at and not s.paused_until) then return nil end
  local due = s.next_at + s.jitter
  return s.paused_at and math.max(s.paused_until, due) or due
end
function F.member_of(s)
  return s.wake and F.group_of(s) .. F.stamp(s.wake) .. s.id or nil
end
function F.parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = F.member_of(s), F.group_of(s)
  return s
end
function F.read_schedule(id)
  local texts = redis.call('HMGET', SCHEDULES, 'd' .. id, 's' .. id)
  return texts[1] and F.parse_schedule(id, texts[1], texts[2]) or nil
end
local touched = {}
function F.touch(group)
  if touched[group] == nil then
    touched[group] = tonumber(redis.call('ZSCORE', FIRING, group) or nil) or false
  end
end
function F.write_state(s)
  s.wake = F.wake_of(s)
  local member, group = F.member_of(s), F.group_of(s)
  local function text(n) return n and F.whole(n) or '-' end
  redis.call('HSET', SCHEDULES, 's' .. s.id, table.concat({
    text(s.next_at), text(s.wake), F.whole(s.decided), F.whole(s.fired), text(s.paused_at),
    text(s.paused_until), s.orphaned and '1' or '0', s.reason,
  }, ' '))
  if member == s.member then return end
  if s.member then
    F.touch(s.group)
    redis.call('ZREM', CURSORS, s.member)
  end
  if member then
    F.touch(group)
    redis.call('ZADD', CURSORS, 0, member)
  end
  if not (s.member and member) then
    redis.call('HINCRBY', META, 'cursors', member and 1 or -1)
  end
  s.member, s.group = member, group
end
function F.add_name(id)
  redis.call('ZADD', CURSORS, 0, 'n' .. id)
  redis.call('HINCRBY', META, 'schedules', 1)
end
function F.refresh_group(group)
  local first =
    redis.call('ZRANGEBYLEX', CURSORS, '[' .. group, '(' .. group .. ':', 'LIMIT', 0, 1)[1]
  if not first then
    redis.call('ZREM', FIRING, group)
    return nil
  end
  local at = tonumber(string.sub(first, #group + 1, #group + 16))
  redis.call('ZADD', FIRING, F.whole(at), group)
  return at
end
function F.refresh_groups(nearer)
  for group, before in pairs(touched) do
    local at = F.refresh_group(group)
    if nearer and at and (not before or at < before) then nearer(group) end
  end
  touched = {}
end
local TAKEN_IN_MS = 30000
local parcels = nil
function F.read_parcels()
  if parcels then return parcels end
  parcels = cjson.decode(redis.call('HGET', SCHEDULES, 'X') or '{}')
  for id, one in pairs(parcels) do
    if type(one) == 'number' then one = { one, '' } end
    if type(one[3]) ~= 'table' then one[3] = { one[3] or 0, one[1] } end
    one[4] = one[4] or one[1]
    parcels[id] = one
  end
  return parcels
end
function F.write_parcels()
  if next(parcels) == nil then
    redis.call('HDEL', SCHEDULES, 'X')
  else
    redis.call('HSET', SCHEDULES, 'X', cjson.encode(parcels))
  end
end
function F.may_be_taken(given_at, now_ms)
  return math.abs(now_ms - given_at) < TAKEN_IN_MS
end
function F.forget_left(most, now_ms)
  local m = redis.call('HMGET', META, 'leftFrom', 'leftTo')
  local from, to = tonumber(m[1] or '0'), tonumber(m[2] or '0')
  if to == 0 then return end
  local last = math.min(from + most, to)
  while from < last do
    local place = 'leftAs ' .. F.whole(from + 1)
    local at, id = string.match(redis.call('HGET', META, place) or '', '^(%d+) (.*)$')
    if at and F.may_be_taken(tonumber(at), now_ms) then break end
    redis.call('HDEL', META, place)
    if id and redis.call('HGET', META, 'left ' .. id) == at then
      redis.call('HDEL', META, 'left ' .. id)
    end
    from = from + 1
  end
  if from == to then
    redis.call('HDEL', META, 'leftFrom', 'leftTo')
  else
    redis.call('HSET', META, 'leftFrom', F.whole(from))
  end
end
function F.note_left(id, now_ms)
  local at = F.whole(math.floor(now_ms))
  F.forget_left(2, now_ms)
  local place = 'leftAs ' .. F.whole(redis.call('HINCRBY', META, 'leftTo', 1))
  redis.call('HSET', META, 'left ' .. id, at, place, at .. ' ' .. id)
end
function F.parcel_fields(id)
  if redis.call('HEXISTS', SCHEDULES, 'D' .. id) == 0 then return nil end
  local fields = {}
  for k, letter in ipairs(KINDS_OF_FIELDS) do
    fields[k] = redis.call('HGET', SCHEDULES, string.upper(letter) .. id) or ''
  end
  return fields
end
function F.drop_parcel(id)
  local fields = {}
  for k, letter in ipairs(KINDS_OF_FIELDS) do fields[k] = string.upper(letter) .. id end
  redis.call('HDEL', SCHEDULES, unpack(fields))
  if not F.read_parcels()[id] then return end
  F.read_parcels()[id] = nil
  F.write_parcels()
end
function F.take_in(id, fields)
  F.drop_parcel(id)
  if redis.call('HEXISTS', SCHEDULES, 'd' .. id) == 1 then return nil end
  for k, letter in ipairs(KINDS_OF_FIELDS) do
    if fields[k] ~= '' then redis.call('HSET', SCHEDULES, letter .. id, fields[k]) end
  end
  F.add_name(id)
  local s = F.read_schedule(id)
  s.member = nil
  F.write_state(s)
  return s
end
function F.put_back(id)
  local fields = F.parcel_fields(id)
  return fields and F.take_in(id, fields)
end
local id = ARGV[2]
local parcel, now_ms = F.read_parcels()[id], now_us() / 1000
local at, asked_since = tonumber(ARGV[3]), tonumber(ARGV[4])
function F.settle()
  for k, one in ipairs(parcel[3]) do
    if one == at then
      table.remove(parcel[3], k)
      F.write_parcels()
      return k - 1
    end
  end
  return parcel[1] == at and #parcel[3] or nil
end
function F.may_be_elsewhere(before)
  if #parcel[3] > before or (before > 0 and not asked_since) then return true end
  for k = 1, before do
    if F.may_be_taken(parcel[3][k], asked_since) then return true end
  end
  return false
end
if not parcel then return 0 end
if ARGV[1] == 'arrived' then
  if parcel[1] ~= at then return 0 end
  F.drop_parcel(id)
  F.note_left(id, now_ms)
else
  local before = F.settle()
  if not before or F.may_be_elsewhere(before) then return 0 end
  F.put_back(id)
  F.refresh_groups(nil)
end
return 1
`,
  },
  "pause": {
    sha1: "cc52d9d12cfcac0ddb8e949b04c84a84b7190ad1",
    text: `#!lua flags=allow-oom
local F = {whole=0,stamp=0,group_of=0,wake_of=0,member_of=0,parse_schedule=0,read_schedule=0,write_definition=0,touch=0,write_state=0,refresh_group=0,refresh_groups=0,wake_firer=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.whole(n)
  return string.format('%.0f', n)
end
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
function F.stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end
function F.group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end
function F.wake_of(s)
  if not s.next_at or (s.paused_at and not s.paused_until) then return nil end
  local due = s.next_at + s.jitter
  return s.paused_at and math.max(s.paused_until, due) or due
end
function F.member_of(s)
  return s.wake and F.group_of(s) .. F.stamp(s.wake) .. s.id or nil
end
function F.parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = F.member_of(s), F.group_of(s)
  return s
end
function F.read_schedule(id)
  local texts = redis.call('HMGET', SCHEDULES, 'd' .. id, 's' .. id)
  return texts[1] and F.parse_schedule(id, texts[1], texts[2]) or nil
end
function F.write_definition(s)
  local numbers = string.format('%.0f %d %d %d %.0f %.0f %s %d %d ',
    s.revision, s.code and 1 or 0, s.overlap, s.is_local and 1 or 0, s.jitter, s.generation,
    s.digest, #s.task, #s.head)
  redis.call('HSET', SCHEDULES, 'd' .. s.id, numbers .. s.task .. s.head .. s.definition)
end
local touched = {}
function F.touch(group)
  if touched[group] == nil then
    touched[group] = tonumber(redis.call('ZSCORE', FIRING, group) or nil) or false
  end
end
function F.write_state(s)
  s.wake = F.wake_of(s)
  local member, group = F.member_of(s), F.group_of(s)
  local function text(n) return n and F.whole(n) or '-' end
  redis.call('HSET', SCHEDULES, 's' .. s.id, table.concat({
    text(s.next_at), text(s.wake), F.whole(s.decided), F.whole(s.fired), text(s.paused_at),
    text(s.paused_until), s.orphaned and '1' or '0', s.reason,
  }, ' '))
  if member == s.member then return end
  if s.member then
    F.touch(s.group)
    redis.call('ZREM', CURSORS, s.member)
  end
  if member then
    F.touch(group)
    redis.call('ZADD', CURSORS, 0, member)
  end
  if not (s.member and member) then
    redis.call('HINCRBY', META, 'cursors', member and 1 or -1)
  end
  s.member, s.group = member, group
end
function F.refresh_group(group)
  local first =
    redis.call('ZRANGEBYLEX', CURSORS, '[' .. group, '(' .. group .. ':', 'LIMIT', 0, 1)[1]
  if not first then
    redis.call('ZREM', FIRING, group)
    return nil
  end
  local at = tonumber(string.sub(first, #group + 1, #group + 16))
  redis.call('ZADD', FIRING, F.whole(at), group)
  return at
end
function F.refresh_groups(nearer)
  for group, before in pairs(touched) do
    local at = F.refresh_group(group)
    if nearer and at and (not before or at < before) then nearer(group) end
  end
  touched = {}
end
local MOST_WATCHERS = 2
function F.wake_firer(group)
  local heard = 0
  for keeper in string.gmatch(redis.call('HGET', KEEPERS, 'f' .. group) or '', ' (%S+)') do
    heard = heard + redis.call('PUBLISH', CHANNEL .. keeper, 'l')
  end
  if heard > 0 then return end
  for watcher in string.gmatch(redis.call('HGET', KEEPERS, 'w' .. group) or '', '%S+') do
    if redis.call('PUBLISH', CHANNEL .. watcher, 'l') > 0 then return end
  end
  redis.call('HDEL', KEEPERS, 'w' .. group)
end
local s, revision = F.read_schedule(ARGV[1]), tonumber(ARGV[2])
if not s or (revision and s.revision ~= revision) then return {} end
local this = math.floor(now_us() / 1000)
local resumes = ARGV[3] == 'resume'
local over = not s.paused_at or (s.paused_until and s.paused_until <= this)
if not (resumes and over) then
  s.revision = s.revision + 1
  if resumes then
    s.paused_until = this
  else
    s.paused_at, s.paused_until = s.paused_at or this, tonumber(ARGV[4])
    s.orphaned, s.reason = ARGV[5] == '1', ARGV[6]
  end
  F.write_definition(s)
  F.write_state(s)
  F.refresh_groups(resumes and F.wake_firer or nil)
end
return { s.task, F.whole(s.revision) }
`,
  },
  "prune": {
    sha1: "6ea9006af0c3ae8802aefb4d3f532c4e10fb2dae",
    text: `#!lua flags=allow-oom
local F = {task_keys=0,whole=0,exact=0,exists=0,keep_rules=0,bound=0,wake_one=0,has_alone=0,update_moment=0,heal_moment=0,prune_age=0,prune_count=0,prune_task=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], claimed = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17], bundles = KEYS[b + 18],
  }
end
function F.whole(n)
  return string.format('%.0f', n)
end
function F.exact(ms)
  return string.format('%.3f', ms)
end
local rare_left, seen_rare = math.huge, {}
function F.exists(key)
  if seen_rare[key] ~= nil then return seen_rare[key] end
  if rare_left == 0 then return false end
  seen_rare[key] = redis.call('EXISTS', key) == 1
  if seen_rare[key] then rare_left = rare_left - 1 end
  return seen_rare[key]
end
local NUMBER_SIZE = 16
local TWO_DIGITS = '00010203040506070809101112131415161718192021222324'
  .. '25262728293031323334353637383940414243444546474849'
  .. '50515253545556575859606162636465666768697071727374'
  .. '75767778798081828384858687888990919293949596979899'
local heads = {}
local PACKED_FROM, PACKED_BELOW = 1750000000000000, 1750000000000000 + 254 * 2 ^ 40
local ALONE_AFTER = 3
function F.keep_rules(i)
  return {
    idMs = tonumber(ARGV[i]), idCount = tonumber(ARGV[i + 1]),
    completed = { tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]) },
    dead = { tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]) },
    cancelled = { tonumber(ARGV[i + 6]), tonumber(ARGV[i + 7]) },
  }
end
local KEEP_ARGS = 8
local STATE_LETTER = { completed = 'c', dead = 'd', cancelled = 'x' }
function F.bound(index, hash, count, stats, most)
  local over = redis.call('ZCARD', index) - count
  if over <= 0 then return end
  local oldest = redis.call('ZPOPMIN', index, math.min(over, most))
  local names = {}
  for k = 1, #oldest, 2 do names[#names + 1] = oldest[k] end
  redis.call('HDEL', hash, unpack(names))
  redis.call('HINCRBY', stats, 'dropped', #oldest / 2)
end
local SURPLUS_PER_CALL = 20
local added_to = {}
local MOST_DEAD = 200
function F.wake_one(t)
  for _ = 1, MOST_DEAD do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return false end
    if redis.call('PUBLISH', CHANNEL .. sleeper, 't' .. t.name) > 0 then return true end
  end
  return false
end
local cancelled_left = 1000
function F.has_alone(t)
  if not F.exists(t.alone) then return false end
  while true do
    local number = redis.call('LINDEX', t.alone, 0)
    if not number then return false end
    local there = redis.call('HEXISTS', t.jobs, number) == 1
    if there and redis.call('SISMEMBER', t.claimed, number) == 0 then return true end
    if cancelled_left == 0 then return nil end
    cancelled_left = cancelled_left - 1
    redis.call('LPOP', t.alone)
    redis.call('HINCRBY', META, 'aloneJobs', -1)
  end
end
function F.update_moment(t, now_ms, alone_from)
  if redis.call('LLEN', t.ready) > 0 or (F.exists(t.prio) and redis.call('ZCARD', t.prio) > 0) then
    redis.call('ZADD', MOMENTS, 0, t.name)
    return true
  end
  local next_due = F.exists(t.due) and redis.call('ZRANGE', t.due, 0, 0, 'WITHSCORES')[2]
  local moment = next_due and tonumber(next_due) or nil
  if moment and moment <= now_ms then
    redis.call('ZADD', MOMENTS, 0, t.name)
    return true
  end
  local alone = F.has_alone(t)
  if alone then
    moment = math.min(moment or math.huge, alone_from or 0)
  elseif alone == nil then
    moment = 0
  end
  if moment then
    redis.call('ZADD', MOMENTS, F.exact(moment), t.name)
  else
    redis.call('ZREM', MOMENTS, t.name)
  end
  return false
end
function F.heal_moment(t, now_ms)
  local before = redis.call('ZSCORE', MOMENTS, t.name)
  local alone_til = F.exists(t.alone) and tonumber(redis.call('HGET', META, 'aloneTil') or nil)
  local is_ready = F.update_moment(t, now_ms, alone_til and alone_til > now_ms and alone_til)
  if before or not redis.call('ZSCORE', MOMENTS, t.name) then return false end
  if is_ready then F.wake_one(t) end
  return true
end
local MOST, LEAST = 250, 2
local keep, task_count = F.keep_rules(1), tonumber(ARGV[KEEP_ARGS + 1])
local most = math.max(LEAST, math.floor(MOST / task_count))
local now_ms = now_us() / 1000
function F.prune_age(index, hash, before_ms)
  local before = F.whole(math.floor(before_ms))
  local old = redis.call('ZRANGEBYSCORE', index, '-inf', before, 'LIMIT', 0, most)
  if #old == 0 then return false end
  redis.call('HDEL', hash, unpack(old))
  redis.call('ZREM', index, unpack(old))
  return #old == most
end
function F.prune_count(t, index, hash, count)
  F.bound(index, hash, count, t.stats, most)
  return redis.call('ZCARD', index) > count
end
function F.prune_task(t)
  if redis.call('EXISTS', t.idends, t.completed, t.dead, t.cancelled) == 0 then return false end
  local more = F.prune_age(t.idends, t.ids, now_ms)
  more = F.prune_count(t, t.idends, t.ids, keep.idCount) or more
  for _, state in ipairs({ 'completed', 'dead', 'cancelled' }) do
    more = F.prune_age(t[state], t.ended, now_ms - keep[state][1]) or more
    more = F.prune_count(t, t[state], t.ended, keep[state][2]) or more
  end
  return more
end
local left = {}
for k = 1, task_count do
  local t = F.task_keys(k, ARGV[KEEP_ARGS + 1 + k])
  F.heal_moment(t, now_ms)
  if F.prune_task(t) then left[#left + 1] = k end
end
return table.concat(left, ',')
`,
  },
  "push": {
    sha1: "8ce060f4d731f8d202fa63149505c38f81ed77ee",
    text: `#!lua
local F = {begin_call=0,end_call=0,answered=0,ask_for_rare=0,exists=0,task_keys=0,whole=0,exact=0,digits=0,digits_from=0,take_numbers=0,raised=0,may_be_handed=0,is_line_empty=0,listening_sleeper=0,take_both=0,hand=0,wake_one=0,promote=0,promote_share=0,push_plain=0,next_numbers=0,push_bundles=0,put_bundles=0,bundles_of=0,slice_text=0}
local R = {}
setmetatable(F, { __index = function(_, name)
  for k = #R, 1, -1 do
    R[k]()
    R[k] = nil
    if rawget(F, name) then break end
  end
  return rawget(F, name)
end })
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], claimed = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17], bundles = KEYS[b + 18],
  }
end
function F.whole(n)
  return string.format('%.0f', n)
end
function F.exact(ms)
  return string.format('%.3f', ms)
end
local NUMBER_SIZE = 16
function F.digits(n)
  return string.format('%016.0f', n)
end
function F.raised(field, last, count, now)
  local first = math.max(last + 1, now)
  redis.call('HSET', META, field, F.digits(first + count - 1))
  return first
end
function F.take_numbers(field, count, now)
  return F.raised(field, tonumber(redis.call('HGET', META, field) or '0'), count, now)
end
local TWO_DIGITS = '00010203040506070809101112131415161718192021222324'
  .. '25262728293031323334353637383940414243444546474849'
  .. '50515253545556575859606162636465666768697071727374'
  .. '75767778798081828384858687888990919293949596979899'
function F.digits_from(first, count)
  local sub, texts = string.sub, {}
  local high, at = math.floor(first / 100), 1 + 2 * (first % 100)
  local head = string.format('%014.0f', high)
  for k = 1, count do
    if at > 200 then
      high, at = high + 1, 1
      head = string.format('%014.0f', high)
    end
    texts[k] = head .. sub(TWO_DIGITS, at, at + 1)
    at = at + 2
  end
  return texts
end
local heads = {}
local KEPT_ANSWERS = 4
function F.begin_call(lane, epoch, seq)
  local s = redis.call('HMGET', SESSION, lane .. ':epoch', lane .. ':seq')
  if s[1] ~= epoch then return redis.error_reply('SMQEPOCH this epoch is closed') end
  local n, last = tonumber(seq), tonumber(s[2] or '0')
  if n <= last then
    return { redis.call('HGET', SESSION, lane .. ':answer' .. (n % KEPT_ANSWERS)) or '' }
  end
  if n > last + 1 then return redis.error_reply('SMQGAP the call before has not arrived') end
  redis.call('HSET', SESSION, lane .. ':seq', seq, lane .. ':answer' .. (n % KEPT_ANSWERS), '')
  return nil
end
function F.end_call(lane, seq, answer)
  redis.call('HSET', SESSION, lane .. ':answer' .. (tonumber(seq) % KEPT_ANSWERS), answer)
end
local rare_left, seen_rare = math.huge, {}
function F.ask_for_rare(keys)
  rare_left = redis.call('EXISTS', unpack(keys))
end
function F.exists(key)
  if seen_rare[key] ~= nil then return seen_rare[key] end
  if rare_left == 0 then return false end
  seen_rare[key] = redis.call('EXISTS', key) == 1
  if seen_rare[key] then rare_left = rare_left - 1 end
  return seen_rare[key]
end
R[#R + 1] = function()
function F.digits_near(n)
  local low = n % 10000
  local high = (n - low) / 10000
  local head, d = heads[high], low % 100
  if not head then
    head = string.format('%012.0f', high)
    heads[high] = head
  end
  local c = (low - d) / 50
  local sub = string.sub
  return head .. sub(TWO_DIGITS, c + 1, c + 2) .. sub(TWO_DIGITS, 2 * d + 1, 2 * d + 2)
end
function F.written(key)
  seen_rare[key] = true
end
end
local repeated = F.begin_call('push', ARGV[1], ARGV[2])
if repeated then return repeated end
local now = now_us()
local now_ms = now / 1000
local task_count = tonumber(ARGV[4])
R[#R + 1] = function()
function F.spread_ones(places)
  local fields, indexes, found = {}, {}, {}
  for k in string.gmatch(places, '%d+') do
    indexes[#indexes + 1] = k
    fields[#fields + 1] = 'spread ' .. ARGV[4 + tonumber(k)]
  end
  for k, over in ipairs(redis.call('HMGET', META, unpack(fields))) do
    if over and over ~= '1' then found[#found + 1] = indexes[k] .. ':' .. over end
  end
  return table.concat(found, ',')
end
end
if not task_count then
  local count, places = string.match(ARGV[4], '^(%d+) (.+)$')
  task_count = tonumber(count)
  local spread = F.spread_ones(places)
  if spread ~= '' then
    F.end_call('push', ARGV[2], '!' .. spread)
    return { '!' .. spread }
  end
end
function F.answered(answer)
  F.end_call('push', ARGV[2], answer)
  redis.call('EXPIRE', SESSION, 3600, 'GT')
  return { answer }
end
local tasks = {}
for k = 1, task_count do tasks[k] = F.task_keys(k, ARGV[4 + k]) end
do
  local rare = {}
  for k = 1, task_count do
    rare[2 * k - 1], rare[2 * k] = tasks[k].due, tasks[k].tries
  end
  if ARGV[3] == '1' then
    rare[3], rare[4], rare[5] = tasks[1].prio, tasks[1].alone, tasks[1].ready
  end
  F.ask_for_rare(rare)
end
local MOST_DEAD = 200
function F.wake_one(t)
  for _ = 1, MOST_DEAD do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return false end
    if redis.call('PUBLISH', CHANNEL .. sleeper, 't' .. t.name) > 0 then return true end
  end
  return false
end
local known_lengths, known_fence = nil, nil
local lease_changes = {}
local SHORTEST_KNOWN_MS = 1000
local HANDED_MS, HANDED_LENGTH_MS = 2000, 10000
local MOST_HANDED_BYTES = 65536
function F.may_be_handed(record)
  if #record > MOST_HANDED_BYTES then return false end
  local stop = string.find(record, '\\n', 1, true)
  local tries = stop and string.match(string.sub(record, 1, stop - 1), '"r":(%d+)')
  return tries ~= nil and tries ~= '1'
end
function F.is_line_empty(t, now_ms)
  if F.exists(t.ready) or F.exists(t.prio) or F.exists(t.alone) then return false end
  if not F.exists(t.due) then return true end
  local due = redis.call('ZRANGEBYSCORE', t.due, '-inf', F.exact(now_ms), 'LIMIT', 0, 1)
  return #due == 0
end
function F.listening_sleeper(t)
  for _ = 1, MOST_DEAD do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return nil end
    if redis.call('PUBSUB', 'NUMSUB', CHANNEL .. sleeper)[2] > 0 then return sleeper end
  end
  return nil
end
function F.take_both(now)
  local m = redis.call('HMGET', META, 'number', 'fence')
  local number = F.digits(math.max(tonumber(m[1] or '0') + 1, now))
  local fence = F.digits(math.max(tonumber(m[2] or '0') + 1, now))
  if redis.call('ZCARD', LEASES) == 0 then
    redis.call('HSET', META, 'number', number, 'fence', fence, 'noted',
      F.whole(math.floor(now / 1000)), 'graceFrom', '0', 'lengths', HANDED_LENGTH_MS .. '=1')
  else
    redis.call('HSET', META, 'number', number, 'fence', fence)
    F.note_leases(now / 1000, HANDED_LENGTH_MS, 1)
    F.save_lengths()
  end
  return number, fence
end
function F.hand(t, record, now)
  local owner = F.listening_sleeper(t)
  if not owner then return nil end
  local number, fence = F.take_both(now)
  redis.call('HSET', t.jobs, number, record)
  redis.call('SADD', t.claimed, number)
  local text = '0' .. HANDED_LENGTH_MS .. '|' .. owner .. '|' .. number .. '|' .. t.name
  redis.call('HSET', LEASE, fence, text)
  redis.call('ZADD', LEASES, F.whole(math.floor(now / 1000 + HANDED_MS)), fence)
  redis.call('HINCRBY', t.stats, 'pushed', 1)
  local message = 'h' .. fence .. ' ' .. number .. ' ' .. #t.name .. ':' .. t.name .. record
  redis.call('PUBLISH', CHANNEL .. owner, message)
  return number
end
R[#R + 1] = function()
function F.read_lengths(text)
  local lengths = {}
  for length, count in string.gmatch(text or '', '(%d+)=(%d+)') do
    lengths[length] = tonumber(count)
  end
  return lengths
end
function F.lengths_text(lengths)
  local parts = {}
  for length, count in pairs(lengths) do
    if count > 0 then parts[#parts + 1] = length .. '=' .. count end
  end
  table.sort(parts)
  return table.concat(parts, ' ')
end
function F.change_leases(length_ms, by)
  local key = F.whole(length_ms)
  lease_changes[key] = (lease_changes[key] or 0) + by
end
function F.save_lengths()
  local lengths, changed = nil, false
  for length, by in pairs(lease_changes) do
    if by ~= 0 then
      lengths = lengths or known_lengths or F.read_lengths(redis.call('HGET', META, 'lengths'))
      lengths[length], changed = (lengths[length] or 0) + by, true
    end
  end
  lease_changes, known_lengths = {}, nil
  if changed then redis.call('HSET', META, 'lengths', F.lengths_text(lengths)) end
end
function F.shortest_of(lengths)
  local shortest = math.huge
  for length in pairs(lengths) do shortest = math.min(shortest, tonumber(length)) end
  return shortest < math.huge and shortest or SHORTEST_KNOWN_MS
end
function F.clamp_leases(now_ms, shortest)
  local after = '(' .. F.whole(math.floor(now_ms + shortest))
  local far = redis.call('ZRANGEBYSCORE', LEASES, after, '+inf', 'WITHSCORES', 'LIMIT', 0, 1000)
  for k = 1, #far, 2 do
    local length = tonumber(string.match(redis.call('HGET', LEASE, far[k]) or '', '^(%d+)|'))
    local latest = math.floor(now_ms + (length or shortest))
    if tonumber(far[k + 1]) > latest then redis.call('ZADD', LEASES, F.whole(latest), far[k]) end
  end
end
function F.note_time(now_ms)
  if redis.call('ZCARD', LEASES) == 0 then return 0, nil, {} end
  local m = redis.call('HMGET', META, 'noted', 'graceFrom', 'lengths', 'fence')
  local noted, from = tonumber(m[1]), tonumber(m[2] or '0')
  local lengths = F.read_lengths(m[3])
  known_lengths, known_fence = lengths, m[4]
  local shortest = F.shortest_of(lengths)
  local gap = noted and now_ms - noted or math.huge
  local this = math.floor(now_ms)
  if gap > shortest * 2 / 3 or gap < 0 then
    noted, from = this, this
    redis.call('HSET', META, 'noted', F.whole(this), 'graceFrom', F.whole(this))
    if gap < 0 then F.clamp_leases(now_ms, shortest) end
  elseif gap >= shortest / 3 then
    noted = this
    redis.call('HSET', META, 'noted', F.whole(this))
  end
  return from, noted + shortest / 3, lengths
end
function F.note_leases(now_ms, lease_ms, count)
  local _, next_note, lengths = F.note_time(now_ms)
  if not next_note then
    redis.call('HSET', META, 'noted', F.whole(math.floor(now_ms)), 'graceFrom', '0')
  elseif lease_ms < F.shortest_of(lengths) then
    redis.call('HSET', META, 'noted', F.whole(math.floor(now_ms)))
  end
  F.change_leases(lease_ms, count)
end
end
local is_lone = ARGV[3] == '1' and ARGV[7] == 'p' and F.may_be_handed(ARGV[9])
  and F.is_line_empty(tasks[1], now_ms)
local handed = is_lone and F.hand(tasks[1], ARGV[9], now)
if handed then return F.answered(handed) end
if ARGV[3] == '1' and ARGV[7] == 'p' and not F.exists(tasks[1].due) then
  local t, number = tasks[1], F.digits(F.take_numbers('number', 1, now))
  redis.call('HSET', t.jobs, number, ARGV[9])
  redis.call('RPUSH', t.ready, number)
  redis.call('HINCRBY', t.stats, 'pushed', 1)
  redis.call('ZADD', MOMENTS, 0, t.name)
  if not is_lone then F.wake_one(t) end
  return F.answered(number)
end
local PACKED_FROM, PACKED_BELOW = 1750000000000000, 1750000000000000 + 254 * 2 ^ 40
local ALONE_AFTER = 3
local KEEP_ARGS = 8
local STATE_LETTER = { completed = 'c', dead = 'd', cancelled = 'x' }
local SURPLUS_PER_CALL = 20
local added_to = {}
local BUNDLE_SIZE, SLICE_SIZE = 14, 20
local COUNTERS = 3
local LETTER_R, LETTER_A, LETTER_GONE, COLON = 114, 97, 45, 58
function F.bundles_of(t)
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
local SPELLED = '@00 @01 @02 @03 @04 @05 @06 @07 @08 @09 @10 @11 @12 @13 @14 @15 @16 @17 @18 @19 '
  .. '@20 @21 @22 @23 @24 @25 @26 @27 @28 @29 @30 @31 @32 @33 @34 @35 @36 @37 @38 @39 '
  .. '@40 @41 @42 @43 @44 @45 @46 @47 @48 @49 @50 @51 @52 @53 @54 @55 @56 @57 @58 @59 '
  .. '@60 @61 @62 @63 @64 @65 @66 @67 @68 @69 @70 @71 @72 @73 @74 @75 @76 @77 @78 @79 '
  .. '@80 @81 @82 @83 @84 @85 @86 @87 @88 @89 @90 @91 @92 @93 @94 @95 @96 @97 @98 @99'
function F.slice_text(bundle, from, to)
  return string.format('%s:%02d-%02d', bundle, from, to)
end
function F.put_bundles(t, first, pieces)
  local fields, entries, sizes, count = {}, {}, {}, 0
  for k, piece in ipairs(pieces) do
    local bundle = string.format('%014.0f', first + k - 1)
    local at = 4 * k - 3
    fields[at], fields[at + 1] = bundle, piece.text
    fields[at + 2], fields[at + 3] = bundle .. 's', string.rep('r', piece.count)
    if piece.size and #piece.text + 1 == piece.count * (piece.size + 1) then
      sizes[#sizes + 1], sizes[#sizes + 2] = bundle .. 'z', piece.size
    end
    entries[k] = F.slice_text(bundle, 0, piece.count - 1)
    count = count + piece.count
  end
  local b = F.bundles_of(t)
  redis.call('HSET', t.bundles, 'n', F.whole((b and b.jobs or 0) + count),
    'a', F.whole(b and b.running or 0), 'e', F.whole((b and b.entries or 0) + #pieces), unpack(fields))
  if #sizes > 0 then redis.call('HSET', t.bundles, unpack(sizes)) end
  redis.call('RPUSH', t.ready, unpack(entries))
  t.bundled = nil
end
local FEW_WANTED = 3
local MOST_BYTES = 4 * 1024 * 1024
local MOST_PROMOTED = 150
local promote_budget = { jobs = MOST_PROMOTED, bytes = MOST_BYTES }
function F.promote_share(tasks)
  return math.max(1, math.min(100, math.floor(MOST_PROMOTED / tasks)))
end
function F.promote(t, now_ms, most)
  local budget, now = promote_budget, F.exact(now_ms)
  while most > 0 and budget.jobs > 0 and budget.bytes > 0 and F.exists(t.due) do
    local n = math.min(most, budget.jobs, 50)
    local due = redis.call('ZRANGEBYSCORE', t.due, '-inf', now, 'LIMIT', 0, n)
    if #due == 0 then return end
    F.promote_some(t, due, now_ms)
    most, budget.jobs = most - #due, budget.jobs - #due
  end
end
R[#R + 1] = function()
function F.packed(number)
  local n = tonumber(number) or 0
  if n < PACKED_FROM then return '\\0' .. number end
  if n >= PACKED_BELOW then return '\\255' .. number end
  n = n - PACKED_FROM
  local f = n % 256
  n = (n - f) / 256
  local e = n % 256
  n = (n - e) / 256
  local d = n % 256
  n = (n - d) / 256
  local c = n % 256
  n = (n - c) / 256
  local b = n % 256
  return string.char((n - b) / 256 + 1, b, c, d, e, f)
end
function F.unpacked(name)
  local a, b, c, d, e, f = string.byte(name, 1, 6)
  if a == 0 or a == 255 then return string.sub(name, 2) end
  local n = (((((a - 1) * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
  return F.digits_near(PACKED_FROM + n)
end
function F.due_of_later(t, number)
  return redis.call('ZSCORE', t.due, F.packed(number))
end
function F.priority_of(record)
  if not string.find(record, '"p":', 1, true) then return '0' end
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return '0' end
  return string.match(string.sub(record, 1, stop - 1), '"p":(-?%d+)') or '0'
end
function F.last_in_line(number, order)
  return order == number and '1' .. number or '1' .. order .. ':' .. number
end
function F.join(t, number, priority, row, now, order)
  if row >= ALONE_AFTER then
    F.written(t.alone)
    redis.call('RPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('RPUSH', t.ready, number)
  else
    F.written(t.prio)
    order = order or F.digits(F.take_numbers('number', 1, now))
    redis.call('ZADD', t.prio, priority, F.last_in_line(number, order))
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
function F.put_all_later(t, numbers, records, dues)
  local fields, index, soonest, before = {}, {}, math.huge, nil
  for k, number in ipairs(numbers) do
    local name, due = F.packed(number), dues[k]
    fields[2 * k - 1], fields[2 * k] = name, records[k]
    index[2 * k - 1], index[2 * k] = due, name
    if due ~= before then soonest, before = math.min(soonest, tonumber(due)), due end
  end
  F.written(t.due)
  redis.call('HSET', t.later, unpack(fields))
  redis.call('ZADD', t.due, unpack(index))
  if redis.call('ZADD', MOMENTS, 'LT', 'CH', F.exact(soonest), t.name) > 0 then F.wake_one(t) end
end
function F.known(t, id, now_ms)
  local entry = redis.call('HGET', t.ids, id)
  if not entry then return nil end
  local number, ended = string.match(entry, '^(%d+):?(%a?)$')
  if ended ~= '' then
    local til = tonumber(redis.call('ZSCORE', t.idends, id) or '0')
    if til <= now_ms then return nil end
    return number, ended, ''
  end
  if redis.call('SISMEMBER', t.claimed, number) == 1 then return number, 'a', '' end
  if redis.call('HEXISTS', t.jobs, number) == 1 then return number, 'r', '' end
  local due = F.due_of_later(t, number)
  if due then return number, 's', due end
  return nil
end
function F.due_of(text, now_ms)
  if text == '' then return nil end
  local ms = tonumber(string.sub(text, 2))
  if string.sub(text, 1, 1) == '+' then ms = now_ms + ms end
  if ms <= now_ms then return nil end
  return F.exact(math.ceil(ms * 1000) / 1000)
end
function F.known_text(t, id, now_ms)
  local there, state, due = F.known(t, id, now_ms)
  return there and there .. ',0,' .. state .. ',' .. due or nil
end
function F.join_by_priority(t, jobs, now)
  local orders, members = F.digits_from(F.take_numbers('number', #jobs, now), #jobs), {}
  for k, job in ipairs(jobs) do
    members[2 * k - 1], members[2 * k] = job[2], '1' .. orders[k] .. ':' .. job[1]
  end
  F.written(t.prio)
  redis.call('ZADD', t.prio, unpack(members))
end
function F.promote_some(t, due, now_ms)
  local budget, fields, plain, others = promote_budget, {}, {}, {}
  local numbers = {}
  for k, name in ipairs(due) do numbers[k] = F.unpacked(name) end
  local tries = F.exists(t.tries) and redis.call('HMGET', t.tries, unpack(numbers)) or {}
  local records = redis.call('HMGET', t.later, unpack(due))
  redis.call('ZREM', t.due, unpack(due))
  redis.call('HDEL', t.later, unpack(due))
  for k, number in ipairs(numbers) do
    local record = records[k]
    if record then
      budget.bytes = budget.bytes - #record
      fields[#fields + 1], fields[#fields + 2] = number, record
      local row = tonumber(tries[k] and string.match(tries[k], '^%d+,%d+,%d+,(%d+)') or '0')
      local priority = F.priority_of(record)
      if row >= ALONE_AFTER then
        F.join(t, number, priority, row, now_ms * 1000)
      elseif priority == '0' then
        plain[#plain + 1] = number
      else
        others[#others + 1] = { number, priority }
      end
    end
  end
  if #fields > 0 then redis.call('HSET', t.jobs, unpack(fields)) end
  if #plain > 0 then redis.call('RPUSH', t.ready, unpack(plain)) end
  if #others > 0 then F.join_by_priority(t, others, now_ms * 1000) end
  if #plain + #others > 0 then redis.call('ZADD', MOMENTS, 0, t.name) end
end
end
for k = 1, task_count do F.promote(tasks[k], now_ms, F.promote_share(2 * task_count)) end
local became_ready, answers = {}, {}
local next_number = F.take_numbers('number', tonumber(ARGV[3]), now)
local taken_to = next_number + tonumber(ARGV[3]) - 1
function F.next_numbers(first, count)
  if first + count - 1 > taken_to then
    taken_to = first + count - 1
    redis.call('HSET', META, 'number', F.digits(taken_to))
  end
  next_number = first + count
  return first
end
function F.push_bundles(t, i, n)
  local pieces, count = {}, 0
  for k = 1, n do
    local jobs, size = string.match(ARGV[i + 2 * k - 2], '^(%d+):?(%d*)$')
    pieces[k] = { count = tonumber(jobs), size = tonumber(size), text = ARGV[i + 2 * k - 1] }
    count = count + pieces[k].count
  end
  local bundle = math.ceil(next_number / 100)
  F.next_numbers(100 * bundle, 100 * (n - 1) + pieces[n].count)
  F.put_bundles(t, bundle, pieces)
  for k = 1, n do answers[#answers + 1] = F.digits(100 * (bundle + k - 1)) end
  redis.call('HINCRBY', t.stats, 'pushed', count)
end
function F.push_plain(t, i, n)
  local first = F.next_numbers(next_number, n)
  local numbers, fields, args = F.digits_from(first, n), {}, ARGV
  for k = 1, n do
    fields[2 * k - 1], fields[2 * k] = numbers[k], args[i + k - 1]
  end
  redis.call('HSET', t.jobs, unpack(fields))
  redis.call('RPUSH', t.ready, unpack(numbers))
  answers[#answers + 1] = numbers[1]
  redis.call('HINCRBY', t.stats, 'pushed', n)
end
local dues = {}
R[#R + 1] = function()
function F.new_batch()
  return {
    jobs = {}, ready = {}, prio = {}, later = {}, records = {}, due = {}, ids = {}, named = {},
  }
end
function F.write_batch(t, b, count)
  if #b.ids > 0 then
    redis.call('HSET', t.ids, unpack(b.ids))
    redis.call('ZREM', t.idends, unpack(b.named))
  end
  if #b.jobs > 0 then redis.call('HSET', t.jobs, unpack(b.jobs)) end
  if #b.ready > 0 then redis.call('RPUSH', t.ready, unpack(b.ready)) end
  if #b.prio > 0 then
    F.written(t.prio)
    redis.call('ZADD', t.prio, unpack(b.prio))
  end
  if #b.later > 0 then F.put_all_later(t, b.later, b.records, b.due) end
  if count > 0 then redis.call('HINCRBY', t.stats, 'pushed', count) end
end
function F.entries_of(t, first, n, width)
  local ids, there = {}, {}
  for i = first, first + width * (n - 1), width do
    if ARGV[i] ~= '' then ids[#ids + 1] = ARGV[i] end
  end
  local entries = #ids > 0 and redis.call('HMGET', t.ids, unpack(ids)) or {}
  for k, id in ipairs(ids) do there[id] = entries[k] end
  return there
end
function F.due_at(text)
  if dues[text] == nil then dues[text] = F.due_of(text, now_ms) or false end
  return dues[text]
end
function F.add_job(t, b, number, job)
  local due, priority = job.due and F.due_at(job.due), job.priority or '0'
  if due then
    local k = #b.later + 1
    b.later[k], b.records[k], b.due[k] = number, job.record, due
    return 's,' .. due
  end
  local n = #b.jobs
  b.jobs[n + 1], b.jobs[n + 2] = number, job.record
  became_ready[t] = true
  if priority == '0' then
    b.ready[#b.ready + 1] = number
  else
    n = #b.prio
    b.prio[n + 1], b.prio[n + 2] = priority, F.last_in_line(number, number)
  end
  return 'r,'
end
function F.answer_segment(n, said, numbers, states)
  local alike, made = n > 1 and #states == n, 0
  for k = 2, #states do alike = alike and states[k] == states[1] end
  if alike then
    answers[#answers + 1] = '*' .. numbers[1] .. ',1,' .. states[1]
    return
  end
  for k = 1, n do
    if not said[k] then made = made + 1 end
    answers[#answers + 1] = said[k] or numbers[made] .. ',1,' .. states[made]
  end
end
function F.push_special(t, first, n, kind)
  local width, at, b = #kind, {}, F.new_batch()
  for k = 2, width do at[string.sub(kind, k, k)] = k - 2 end
  local there = at.i and F.entries_of(t, first + at.i, n, width) or {}
  local first_number = next_number
  local numbers, states, said, fresh, made = F.digits_from(first_number, n), {}, {}, {}, 0
  local job = {}
  for k = 1, n do
    local i = first + width * (k - 1)
    local id = at.i and ARGV[i + at.i] or ''
    local twin = id ~= '' and fresh[id]
    local answer = twin and numbers[twin] .. ',0,' .. states[twin]
      or there[id] and F.known_text(t, id, now_ms)
    if answer then
      said[k] = answer
    else
      made = made + 1
      job.due, job.priority = at.d and ARGV[i + at.d], at.p and ARGV[i + at.p]
      job.record = ARGV[i + width - 1]
      states[made] = F.add_job(t, b, numbers[made], job)
      if id ~= '' then
        local m = #b.named + 1
        b.named[m], b.ids[2 * m - 1], b.ids[2 * m] = id, id, numbers[made]
        fresh[id] = made
      end
    end
  end
  F.next_numbers(first_number, made)
  F.write_batch(t, b, made)
  F.answer_segment(n, said, numbers, states)
end
end
local i = 5 + task_count
while i <= #ARGV do
  local t, kind, n = tasks[tonumber(ARGV[i])], ARGV[i + 1], tonumber(ARGV[i + 2])
  i = i + 3
  if kind == 'p' then
    F.push_plain(t, i, n)
    became_ready[t] = true
    i = i + n
  elseif kind == 'b' then
    F.push_bundles(t, i, n)
    became_ready[t] = true
    i = i + 2 * n
  else
    F.push_special(t, i, n, kind)
    i = i + #kind * n
  end
end
local moments, sleepers = {}, {}
for k = 1, task_count do
  local t = tasks[k]
  if became_ready[t] then
    local n = #moments
    moments[n + 1], moments[n + 2], sleepers[n / 2 + 1] = 0, t.name, t.sleepers
  end
end
if #moments > 0 then redis.call('ZADD', MOMENTS, unpack(moments)) end
if is_lone then sleepers = {} end
if #sleepers == 1 or (#sleepers > 1 and redis.call('EXISTS', unpack(sleepers)) > 0) then
  for k = 1, task_count do
    if became_ready[tasks[k]] then F.wake_one(tasks[k]) end
  end
end
return F.answered(table.concat(answers, ';'))
`,
  },
  "reap": {
    sha1: "aef25eb99cae940ece14fbc9a750244a0e7bb506",
    text: `#!lua flags=allow-oom
local F = {task_keys=0,whole=0,exact=0,read_lengths=0,lengths_text=0,change_leases=0,forget_lease=0,save_lengths=0,shortest_of=0,clamp_leases=0,note_time=0,digits=0,raised=0,take_numbers=0,wake_one=0,exists=0,written=0,packed=0,is_later=0,due_of_later=0,head_of=0,priority_of=0,counts_in=0,counts_of=0,counts_text=0,set_counts=0,last_in_line=0,join=0,join_front=0,put_all_later=0,put_later=0,keep_rules=0,bound=0,bound_later=0,save_bounds=0,remember_ends=0,ended_text=0,end_job=0,due_of=0,known_text=0,name_job=0,save_job=0,bundles_of=0,spelled=0,slice_in=0,read_states=0,numbers_lettered=0,set_states=0,save_bundles=0,text_between=0,read_text=0,place_in_bundle=0,read_states_of=0,records_in=0,record_in=0,by_bundle=0,leave_bundles=0,single_out=0,is_handed=0,parse_lease=0,read_lease=0,numbers_in=0,letters_of=0,members_of_slice=0,forget_progress=0,members_of=0,without_cuts=0,stamp=0,group_of=0,member_of=0,parse_schedule=0,read_schedule=0,lines_of=0,load_fired=0,note_fired=0,write_lines=0,write_ledger=0,occurrence_of=0,write_text=0,waiting_in=0,cut_first=0,number_in=0,load_overlap=0,has_open=0,joined=0,write_overlap=0,json_id=0,record_of=0,make_job=0,release=0,place_of_line=0,job_ended=0,save_ends=0,spread=0,due_after_crash=0,reissue=0,reap_job=0,reap_lease=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], claimed = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17], bundles = KEYS[b + 18],
  }
end
function F.whole(n)
  return string.format('%.0f', n)
end
function F.exact(ms)
  return string.format('%.3f', ms)
end
function F.read_lengths(text)
  local lengths = {}
  for length, count in string.gmatch(text or '', '(%d+)=(%d+)') do
    lengths[length] = tonumber(count)
  end
  return lengths
end
function F.lengths_text(lengths)
  local parts = {}
  for length, count in pairs(lengths) do
    if count > 0 then parts[#parts + 1] = length .. '=' .. count end
  end
  table.sort(parts)
  return table.concat(parts, ' ')
end
local known_lengths, known_fence = nil, nil
local lease_changes = {}
function F.change_leases(length_ms, by)
  local key = F.whole(length_ms)
  lease_changes[key] = (lease_changes[key] or 0) + by
end
function F.forget_lease(length_ms)
  F.change_leases(length_ms, -1)
end
function F.save_lengths()
  local lengths, changed = nil, false
  for length, by in pairs(lease_changes) do
    if by ~= 0 then
      lengths = lengths or known_lengths or F.read_lengths(redis.call('HGET', META, 'lengths'))
      lengths[length], changed = (lengths[length] or 0) + by, true
    end
  end
  lease_changes, known_lengths = {}, nil
  if changed then redis.call('HSET', META, 'lengths', F.lengths_text(lengths)) end
end
local SHORTEST_KNOWN_MS = 1000
function F.shortest_of(lengths)
  local shortest = math.huge
  for length in pairs(lengths) do shortest = math.min(shortest, tonumber(length)) end
  return shortest < math.huge and shortest or SHORTEST_KNOWN_MS
end
function F.clamp_leases(now_ms, shortest)
  local after = '(' .. F.whole(math.floor(now_ms + shortest))
  local far = redis.call('ZRANGEBYSCORE', LEASES, after, '+inf', 'WITHSCORES', 'LIMIT', 0, 1000)
  for k = 1, #far, 2 do
    local length = tonumber(string.match(redis.call('HGET', LEASE, far[k]) or '', '^(%d+)|'))
    local latest = math.floor(now_ms + (length or shortest))
    if tonumber(far[k + 1]) > latest then redis.call('ZADD', LEASES, F.whole(latest), far[k]) end
  end
end
function F.note_time(now_ms)
  if redis.call('ZCARD', LEASES) == 0 then return 0, nil, {} end
  local m = redis.call('HMGET', META, 'noted', 'graceFrom', 'lengths', 'fence')
  local noted, from = tonumber(m[1]), tonumber(m[2] or '0')
  local lengths = F.read_lengths(m[3])
  known_lengths, known_fence = lengths, m[4]
  local shortest = F.shortest_of(lengths)
  local gap = noted and now_ms - noted or math.huge
  local this = math.floor(now_ms)
  if gap > shortest * 2 / 3 or gap < 0 then
    noted, from = this, this
    redis.call('HSET', META, 'noted', F.whole(this), 'graceFrom', F.whole(this))
    if gap < 0 then F.clamp_leases(now_ms, shortest) end
  elseif gap >= shortest / 3 then
    noted = this
    redis.call('HSET', META, 'noted', F.whole(this))
  end
  return from, noted + shortest / 3, lengths
end
local NUMBER_SIZE = 16
function F.digits(n)
  return string.format('%016.0f', n)
end
function F.raised(field, last, count, now)
  local first = math.max(last + 1, now)
  redis.call('HSET', META, field, F.digits(first + count - 1))
  return first
end
function F.take_numbers(field, count, now)
  return F.raised(field, tonumber(redis.call('HGET', META, field) or '0'), count, now)
end
local TWO_DIGITS = '00010203040506070809101112131415161718192021222324'
  .. '25262728293031323334353637383940414243444546474849'
  .. '50515253545556575859606162636465666768697071727374'
  .. '75767778798081828384858687888990919293949596979899'
local heads = {}
local MOST_DEAD = 200
function F.wake_one(t)
  for _ = 1, MOST_DEAD do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return false end
    if redis.call('PUBLISH', CHANNEL .. sleeper, 't' .. t.name) > 0 then return true end
  end
  return false
end
local rare_left, seen_rare = math.huge, {}
function F.exists(key)
  if seen_rare[key] ~= nil then return seen_rare[key] end
  if rare_left == 0 then return false end
  seen_rare[key] = redis.call('EXISTS', key) == 1
  if seen_rare[key] then rare_left = rare_left - 1 end
  return seen_rare[key]
end
function F.written(key)
  seen_rare[key] = true
end
local PACKED_FROM, PACKED_BELOW = 1750000000000000, 1750000000000000 + 254 * 2 ^ 40
function F.packed(number)
  local n = tonumber(number) or 0
  if n < PACKED_FROM then return '\\0' .. number end
  if n >= PACKED_BELOW then return '\\255' .. number end
  n = n - PACKED_FROM
  local f = n % 256
  n = (n - f) / 256
  local e = n % 256
  n = (n - e) / 256
  local d = n % 256
  n = (n - d) / 256
  local c = n % 256
  n = (n - c) / 256
  local b = n % 256
  return string.char((n - b) / 256 + 1, b, c, d, e, f)
end
function F.is_later(t, number)
  return redis.call('HEXISTS', t.later, F.packed(number)) == 1
end
function F.due_of_later(t, number)
  return redis.call('ZSCORE', t.due, F.packed(number))
end
function F.head_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return {} end
  local ok, head = pcall(cjson.decode, string.sub(record, 1, stop - 1))
  return ok and type(head) == 'table' and head or {}
end
function F.priority_of(record)
  if not string.find(record, '"p":', 1, true) then return '0' end
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return '0' end
  return string.match(string.sub(record, 1, stop - 1), '"p":(-?%d+)') or '0'
end
function F.counts_in(text)
  if not text then return 0, 0, 0, 0, 0 end
  local f, c, h, row, inv = string.match(text, '^(%d+),(%d+),(%d+),(%d+),(%d+)$')
  return tonumber(f), tonumber(c), tonumber(h), tonumber(row), tonumber(inv)
end
function F.counts_of(t, number)
  return F.counts_in(F.exists(t.tries) and redis.call('HGET', t.tries, number))
end
function F.counts_text(f, c, h, row, inv)
  return string.format('%d,%d,%d,%d,%d', f, c, h, row, inv)
end
function F.set_counts(t, number, counts)
  F.written(t.tries)
  redis.call('HSET', t.tries, number, counts)
end
local ALONE_AFTER = 3
function F.last_in_line(number, order)
  return order == number and '1' .. number or '1' .. order .. ':' .. number
end
function F.join(t, number, priority, row, now, order)
  if row >= ALONE_AFTER then
    F.written(t.alone)
    redis.call('RPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('RPUSH', t.ready, number)
  else
    F.written(t.prio)
    order = order or F.digits(F.take_numbers('number', 1, now))
    redis.call('ZADD', t.prio, priority, F.last_in_line(number, order))
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
function F.join_front(t, number, priority, row)
  if row >= ALONE_AFTER then
    F.written(t.alone)
    redis.call('LPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('LPUSH', t.ready, number)
  else
    F.written(t.prio)
    redis.call('ZADD', t.prio, priority, '0' .. number)
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
function F.put_all_later(t, numbers, records, dues)
  local fields, index, soonest, before = {}, {}, math.huge, nil
  for k, number in ipairs(numbers) do
    local name, due = F.packed(number), dues[k]
    fields[2 * k - 1], fields[2 * k] = name, records[k]
    index[2 * k - 1], index[2 * k] = due, name
    if due ~= before then soonest, before = math.min(soonest, tonumber(due)), due end
  end
  F.written(t.due)
  redis.call('HSET', t.later, unpack(fields))
  redis.call('ZADD', t.due, unpack(index))
  if redis.call('ZADD', MOMENTS, 'LT', 'CH', F.exact(soonest), t.name) > 0 then F.wake_one(t) end
end
function F.put_later(t, number, record, due_ms)
  F.put_all_later(t, { number }, { record }, { due_ms })
end
function F.keep_rules(i)
  return {
    idMs = tonumber(ARGV[i]), idCount = tonumber(ARGV[i + 1]),
    completed = { tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]) },
    dead = { tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]) },
    cancelled = { tonumber(ARGV[i + 6]), tonumber(ARGV[i + 7]) },
  }
end
local KEEP_ARGS = 8
local STATE_LETTER = { completed = 'c', dead = 'd', cancelled = 'x' }
function F.bound(index, hash, count, stats, most)
  local over = redis.call('ZCARD', index) - count
  if over <= 0 then return end
  local oldest = redis.call('ZPOPMIN', index, math.min(over, most))
  local names = {}
  for k = 1, #oldest, 2 do names[#names + 1] = oldest[k] end
  redis.call('HDEL', hash, unpack(names))
  redis.call('HINCRBY', stats, 'dropped', #oldest / 2)
end
local SURPLUS_PER_CALL = 20
local added_to = {}
function F.bound_later(index, hash, count, stats, added)
  local known = added_to[index]
  if known then
    known.added = known.added + added
  else
    added_to[index] = { hash = hash, count = count, stats = stats, added = added }
  end
end
function F.save_bounds()
  for index, a in pairs(added_to) do
    F.bound(index, a.hash, a.count, a.stats, a.added + SURPLUS_PER_CALL)
  end
  added_to = {}
end
function F.remember_ends(t, ids, numbers, state, keep, now_ms)
  local named, owners = {}, {}
  for k, id in ipairs(ids) do
    if id ~= '' then named[#named + 1], owners[#named + 1] = id, numbers[k] end
  end
  if #named == 0 then return end
  local entries, ours = redis.call('HMGET', t.ids, unpack(named)), {}
  local letter, kept_ms = ':' .. STATE_LETTER[state], keep[state][2] > 0 and keep[state][1] or 0
  local fields, index, til = {}, {}, F.whole(math.floor(now_ms) + math.max(keep.idMs, kept_ms))
  for k, id in ipairs(named) do
    local number, entry = owners[k], entries[k]
    if not entry or entry == number or string.match(entry, '^%d+') == number then
      local n = #ours + 1
      ours[n], fields[2 * n - 1], fields[2 * n] = id, id, number .. letter
      index[2 * n - 1], index[2 * n] = til, id
    end
  end
  if #ours == 0 then return end
  if math.max(keep.idMs, kept_ms) <= 0 then
    redis.call('HDEL', t.ids, unpack(ours))
    return
  end
  redis.call('HSET', t.ids, unpack(fields))
  redis.call('ZADD', t.idends, unpack(index))
  F.bound_later(t.idends, t.ids, keep.idCount, t.stats, #ours)
end
function F.ended_text(letter, at, counts, detail, record)
  return letter .. '|' .. at .. '|' .. (counts or '') .. '|' .. detail .. '\\n' .. record
end
function F.end_job(t, number, state, id, detail, keep, now_ms, record)
  now_ms = math.floor(now_ms)
  local rule = keep[state]
  if rule[2] > 0 then
    record = record or redis.call('HGET', t.jobs, number)
    if record then
      local at, counts = F.whole(now_ms), F.exists(t.tries) and redis.call('HGET', t.tries, number)
      local text = F.ended_text(STATE_LETTER[state], at, counts, detail, record)
      redis.call('HSET', t.ended, number, text)
      redis.call('ZADD', t[state], at, number)
      F.bound_later(t[state], t.ended, rule[2], t.stats, 1)
    end
  end
  redis.call('HDEL', t.jobs, number)
  redis.call('SREM', t.claimed, number)
  if F.exists(t.tries) and redis.call('HDEL', t.tries, number) == 1 then
    redis.call('HDEL', t.errors, number)
  end
  if F.exists(CANCELS) then redis.call('HDEL', CANCELS, number) end
  if F.exists(PROGRESS) then redis.call('HDEL', PROGRESS, number) end
  redis.call('HINCRBY', t.stats, state, 1)
  if id ~= '' then F.remember_ends(t, { id }, { number }, state, keep, now_ms) end
end
local function known(t, id, now_ms)
  local entry = redis.call('HGET', t.ids, id)
  if not entry then return nil end
  local number, ended = string.match(entry, '^(%d+):?(%a?)$')
  if ended ~= '' then
    local til = tonumber(redis.call('ZSCORE', t.idends, id) or '0')
    if til <= now_ms then return nil end
    return number, ended, ''
  end
  if redis.call('SISMEMBER', t.claimed, number) == 1 then return number, 'a', '' end
  if redis.call('HEXISTS', t.jobs, number) == 1 then return number, 'r', '' end
  local due = F.due_of_later(t, number)
  if due then return number, 's', due end
  return nil
end
function F.due_of(text, now_ms)
  if text == '' then return nil end
  local ms = tonumber(string.sub(text, 2))
  if string.sub(text, 1, 1) == '+' then ms = now_ms + ms end
  if ms <= now_ms then return nil end
  return F.exact(math.ceil(ms * 1000) / 1000)
end
function F.known_text(t, id, now_ms)
  local there, state, due = known(t, id, now_ms)
  return there and there .. ',0,' .. state .. ',' .. due or nil
end
function F.name_job(t, id, number)
  redis.call('HSET', t.ids, id, number)
  redis.call('ZREM', t.idends, id)
end
function F.save_job(t, number, job, now_ms)
  if job.id ~= '' then
    local there = F.known_text(t, job.id, now_ms)
    if there then return there, false end
    F.name_job(t, job.id, number)
  end
  redis.call('HINCRBY', t.stats, 'pushed', 1)
  local due = F.due_of(job.due, now_ms)
  if due then
    F.put_later(t, number, job.record, due)
    return number .. ',1,s,' .. due, false
  end
  redis.call('HSET', t.jobs, number, job.record)
  F.join(t, number, job.priority, 0, nil, number)
  return number .. ',1,r,', true
end
local BUNDLE_SIZE, SLICE_SIZE = 14, 20
local COUNTERS = 3
local LETTER_R, LETTER_A, LETTER_GONE, COLON = 114, 97, 45, 58
function F.bundles_of(t)
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
local SPELLED = '@00 @01 @02 @03 @04 @05 @06 @07 @08 @09 @10 @11 @12 @13 @14 @15 @16 @17 @18 @19 '
  .. '@20 @21 @22 @23 @24 @25 @26 @27 @28 @29 @30 @31 @32 @33 @34 @35 @36 @37 @38 @39 '
  .. '@40 @41 @42 @43 @44 @45 @46 @47 @48 @49 @50 @51 @52 @53 @54 @55 @56 @57 @58 @59 '
  .. '@60 @61 @62 @63 @64 @65 @66 @67 @68 @69 @70 @71 @72 @73 @74 @75 @76 @77 @78 @79 '
  .. '@80 @81 @82 @83 @84 @85 @86 @87 @88 @89 @90 @91 @92 @93 @94 @95 @96 @97 @98 @99'
function F.spelled(bundle, from, to)
  return (string.gsub(string.sub(SPELLED, 4 * from + 1, 4 * to + 3), '@', bundle))
end
function F.slice_in(entry)
  local bundle, from, to = string.match(entry, '^(%d+):(%d%d)%-(%d%d)$')
  if not bundle or #entry ~= SLICE_SIZE or from > to then return nil end
  return bundle, tonumber(from), tonumber(to)
end
function F.read_states(b, key, bundles)
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
function F.numbers_lettered(bundle, letters, letter, from, to)
  local numbers, sub, find = {}, string.sub, string.find
  local at, stop = find(letters, letter, (from or 0) + 1, true), (to or 99) + 1
  while at and at <= stop do
    numbers[#numbers + 1] = bundle .. sub(TWO_DIGITS, 2 * at - 1, 2 * at)
    at = find(letters, letter, at + 1, true)
  end
  return numbers
end
function F.set_states(b, bundle, states)
  b.states[bundle], b.changed[bundle], b.is_changed = states, true, true
end
function F.save_bundles(t)
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
  if b.jobs <= 0 and b.entries <= 0 and #fields == 0
      and redis.call('HLEN', t.bundles) <= COUNTERS then
    redis.call('HDEL', t.bundles, 'n', 'a', 'e')
    return
  end
  redis.call('HSET', t.bundles, 'n', F.whole(b.jobs), 'a', F.whole(b.running), 'e', F.whole(b.entries),
    unpack(fields))
end
function F.text_between(text, from, to, size)
  if size then return string.sub(text, from * (size + 1) + 1, (to + 1) * (size + 1) - 1) end
  local first, at = 1, 0
  for _ = 1, from do first = (string.find(text, '\\0', first, true) or #text) + 1 end
  at = first
  for k = from, to do
    local stop = string.find(text, '\\0', at, true)
    if not stop then return string.sub(text, first) end
    at = stop + 1
  end
  return string.sub(text, first, at - 2)
end
function F.read_text(t, bundle)
  local b = t.bundled
  b.texts = b.texts or {}
  b.texts[bundle] = b.texts[bundle] or redis.call('HGET', t.bundles, bundle)
  return b.texts[bundle]
end
function F.place_in_bundle(b, number)
  local bundle = string.sub(number, 1, BUNDLE_SIZE)
  local states = b.states[bundle]
  if not states or #number ~= NUMBER_SIZE then return nil end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1))
  if not place then return nil end
  local letter = string.sub(states, place + 1, place + 1)
  if letter ~= 'r' and letter ~= 'a' then return nil end
  return bundle, place, letter
end
function F.read_states_of(t, numbers)
  local bundles, before, wanted = {}, nil, t.bundled.wanted
  for _, number in ipairs(numbers) do
    local bundle = string.sub(number, 1, BUNDLE_SIZE)
    if bundle ~= before then bundles[#bundles + 1], before = bundle, bundle end
    wanted[bundle] = (wanted[bundle] or 0) + 1
  end
  F.read_states(t.bundled, t.bundles, bundles)
end
function F.records_in(t, bundle)
  local b = t.bundled
  b.records = b.records or {}
  if b.records[bundle] then return b.records[bundle] end
  local text, records, from = F.read_text(t, bundle), {}, 1
  while text do
    local stop = string.find(text, '\\0', from, true)
    records[#records + 1] = string.sub(text, from, (stop or 0) - 1)
    if not stop then break end
    from = stop + 1
  end
  b.records[bundle] = records
  return records
end
local FEW_WANTED = 3
function F.record_in(t, bundle, place)
  if t.bundled.wanted[bundle] > FEW_WANTED then return F.records_in(t, bundle)[place + 1] end
  local text = F.read_text(t, bundle)
  local record = text and F.text_between(text, place, place)
  return record ~= '' and record or nil
end
function F.by_bundle(numbers)
  local places, bundles, others, sub, byte = {}, {}, {}, string.sub, string.byte
  for k = 1, #numbers do
    local number = numbers[k]
    local tens, ones = byte(number, BUNDLE_SIZE + 1, BUNDLE_SIZE + 2)
    if #number == NUMBER_SIZE and tens >= 48 and ones >= 48 and tens <= 57 and ones <= 57 then
      local bundle = sub(number, 1, BUNDLE_SIZE)
      local here = places[bundle]
      if not here then
        here = {}
        places[bundle], bundles[#bundles + 1] = here, bundle
      end
      here[#here + 1] = 10 * tens + ones - 528
    else
      others[#others + 1] = number
    end
  end
  return places, bundles, others
end
function F.leave_bundles(t, numbers)
  local b = F.bundles_of(t)
  if not b then return numbers end
  local places, bundles, others = F.by_bundle(numbers)
  F.read_states(b, t.bundles, bundles)
  for _, bundle in ipairs(bundles) do
    local letters, here = b.states[bundle], places[bundle]
    local all, left, running = letters and { string.byte(letters, 1, -1) }, 0, 0
    for k = 1, #here do
      local letter = all and all[here[k] + 1]
      if letter == LETTER_R or letter == LETTER_A then
        all[here[k] + 1], left = LETTER_GONE, left + 1
        if letter == LETTER_A then running = running + 1 end
      else
        others[#others + 1] = bundle .. string.format('%02d', here[k])
      end
    end
    b.jobs, b.running = b.jobs - left, b.running - running
    if left > 0 then F.set_states(b, bundle, string.char(unpack(all))) end
  end
  return others
end
function F.single_out(t, numbers)
  if not F.bundles_of(t) then return end
  local fields, running, singled = {}, {}, {}
  F.read_states_of(t, numbers)
  for _, number in ipairs(numbers) do
    local bundle, place, letter = F.place_in_bundle(t.bundled, number)
    local record = bundle and F.record_in(t, bundle, place)
    if record then
      singled[#singled + 1] = number
      fields[#fields + 1], fields[#fields + 2] = number, record
      if letter == 'a' then running[#running + 1] = number end
    end
  end
  if #fields == 0 then return end
  redis.call('HSET', t.jobs, unpack(fields))
  if #running > 0 then redis.call('SADD', t.claimed, unpack(running)) end
  F.leave_bundles(t, singled)
  F.save_bundles(t)
end
local HANDED_MS, HANDED_LENGTH_MS = 2000, 10000
function F.is_handed(length)
  return string.byte(length) == 48
end
function F.parse_lease(fence, text)
  local a = text and string.find(text, '|', 1, true)
  local b = a and string.find(text, '|', a + 1, true)
  local c = b and string.find(text, '|', b + 1, true)
  if not c then return nil end
  local slice = c - b - 1 == SLICE_SIZE and { F.slice_in(string.sub(text, b + 1, c - 1)) } or nil
  if slice and not slice[1] then return nil end
  return {
    slice = slice, fence = fence, text = text, from = b + 1, to = c - 1, head = b, owner = a + 1,
    length = tonumber(string.sub(text, 1, a - 1)) or 0, handed = F.is_handed(text),
    task = string.sub(text, c + 1),
  }
end
function F.read_lease(fence, t)
  local lease = F.parse_lease(fence, redis.call('HGET', LEASE, fence))
  if lease and t and lease.task == t.name then lease.t = t end
  return lease
end
function F.numbers_in(text)
  local sub, numbers, n = string.sub, {}, 0
  for at = 1, #text, NUMBER_SIZE + 1 do
    n = n + 1
    numbers[n] = sub(text, at, at + NUMBER_SIZE - 1)
  end
  return numbers
end
function F.letters_of(lease)
  local t, bundle = lease.t, lease.slice[1]
  local b = t and F.bundles_of(t)
  if not b then return nil end
  F.read_states(b, t.bundles, { bundle })
  return b.states[bundle] or nil
end
function F.members_of_slice(lease)
  local letters = F.letters_of(lease)
  if not letters then return {} end
  return F.numbers_lettered(lease.slice[1], letters, 'a', lease.slice[2], lease.slice[3])
end
local FEW = 6
function F.forget_progress(lease)
  local slice, said, gone = lease.slice, {}, {}
  local numbers = F.numbers_in(F.spelled(slice[1], slice[2], slice[3]))
  for k, text in ipairs(redis.call('HMGET', PROGRESS, unpack(numbers))) do
    if text then said[#said + 1] = numbers[k] end
  end
  for _, number in ipairs(said) do
    local is_here = lease.t and redis.call('HEXISTS', lease.t.jobs, number) == 1
    if not is_here then gone[#gone + 1] = number end
  end
  if #gone > 0 then redis.call('HDEL', PROGRESS, unpack(gone)) end
end
local MOST_LOOKED_AFTER = 50
function F.members_of(lease)
  if lease.slice then return F.members_of_slice(lease) end
  return F.numbers_in(string.sub(lease.text, lease.from, lease.to))
end
function F.without_cuts(text, cuts, between)
  local places = {}
  for at in pairs(cuts) do places[#places + 1] = at end
  table.sort(places)
  local pieces, from = {}, 1
  for k, at in ipairs(places) do
    pieces[k] = string.sub(text, from, at - 1)
    from = at + cuts[at] + 1
  end
  pieces[#pieces + 1] = string.sub(text, from)
  local left = table.concat(pieces)
  return string.byte(left, -1) == between and string.sub(left, 1, -2) or left
end
local PIECE_BYTES = 8000
local MOST_BYTES_SEEN, LEASES_PER_PAGE, BYTES_PER_PAIR = 256 * 1024, 50, 50
local BYTES_PER_LEASE = 200
local OF_A_BUNDLE = '^%d+|[^|]*|(%d+):%d%d%-%d%d|'
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
function F.stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end
function F.group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end
function F.member_of(s)
  return s.wake and F.group_of(s) .. F.stamp(s.wake) .. s.id or nil
end
function F.parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = F.member_of(s), F.group_of(s)
  return s
end
function F.read_schedule(id)
  local texts = redis.call('HMGET', SCHEDULES, 'd' .. id, 's' .. id)
  return texts[1] and F.parse_schedule(id, texts[1], texts[2]) or nil
end
local touched = {}
local MOST_KEPT = 100
local INSTANCE = string.sub(SESSION, #META + 5, #META + 12)
function F.lines_of(field)
  local lines = {}
  for line in string.gmatch(redis.call('HGET', SCHEDULES, field) or '', '[^\\n]+') do
    lines[#lines + 1] = line
  end
  return lines
end
function F.load_fired(s)
  if s.fired_lines then return end
  s.fired_lines, s.last_fired = F.lines_of('f' .. s.id), -math.huge
  for _, line in ipairs(s.fired_lines) do
    s.last_fired = math.max(s.last_fired, tonumber(string.match(line, '^%S+')))
  end
end
function F.note_fired(s, at, number, how)
  F.load_fired(s)
  local lag = tonumber(number) - at * 1000
  s.fired_lines[#s.fired_lines + 1] =
    string.format('%.0f %.0f %s %s', at, lag, how, INSTANCE)
  s.last_fired, s.fired_changed = math.max(s.last_fired, at), true
end
function F.write_lines(field, lines)
  local from = math.max(1, #lines - MOST_KEPT + 1)
  redis.call('HSET', SCHEDULES, field, table.concat(lines, '\\n', from))
end
function F.write_ledger(s)
  if s.fired_changed then F.write_lines('f' .. s.id, s.fired_lines) end
  if s.passed_changed then F.write_lines('u' .. s.id, s.passed_lines) end
  s.fired_changed, s.passed_changed = false, false
end
local ALLOW, SKIP, BUFFER_ONE, CANCEL_OTHER = 0, 1, 2, 4
local MOST_BUFFERED = 1000
local MOST_SOUGHT = 50
function F.occurrence_of(entry)
  local at, catchup, missed, how = string.match(entry, '^(%S+),(%d),(%d+),(%a)$')
  if not at then return nil end
  return { at = tonumber(at), catchup = catchup == '1', missed = tonumber(missed), how = how }
end
function F.write_text(field, text)
  if text == '' then
    redis.call('HDEL', SCHEDULES, field)
  else
    redis.call('HSET', SCHEDULES, field, text)
  end
end
function F.waiting_in(buffer)
  if buffer == '' then return 0 end
  local n, at = 1, string.find(buffer, ' ', 1, true)
  while at do n, at = n + 1, string.find(buffer, ' ', at + 1, true) end
  return n
end
function F.cut_first(text, between)
  local stop = string.find(text, between, 1, true)
  if not stop then return text, '' end
  return string.sub(text, 1, stop - 1), string.sub(text, stop + 1)
end
function F.number_in(line)
  return string.match(line, '^%d+')
end
function F.load_overlap(t, s)
  if s.open then return end
  s.open, s.opened = redis.call('HGET', SCHEDULES, 'o' .. s.id) or '', {}
  s.buffer, s.buffered = redis.call('HGET', SCHEDULES, 'b' .. s.id) or '', {}
  s.waiting = F.waiting_in(s.buffer)
  for _ = 1, MOST_SOUGHT do
    local line, rest = F.cut_first(s.open, '\\n')
    local number = F.number_in(line)
    if line == '' or (number and (redis.call('HEXISTS', t.jobs, number) == 1
      or F.is_later(t, number))) then
      return
    end
    s.open = rest
  end
end
function F.has_open(s)
  return s.open ~= '' or #s.opened > 0
end
function F.joined(text, more, between)
  if #more == 0 then return text end
  local added = table.concat(more, between)
  return text == '' and added or text .. between .. added
end
function F.write_overlap(s)
  if not s.open then return end
  F.write_text('o' .. s.id, F.joined(s.open, s.opened, '\\n'))
  F.write_text('b' .. s.id, F.joined(s.buffer, s.buffered, ' '))
end
function F.json_id(s, o)
  return string.match(s.head, '"s":"(.*)"$') .. '@' .. F.whole(o.at)
end
function F.record_of(s, o, tracked)
  s.payload = s.payload or redis.call('HGET', SCHEDULES, 'p' .. s.id) or ''
  local head = s.head
  if o.how == 'b' then
    head = '{"i":"' .. F.json_id(s, o) .. '",' .. string.sub(head, 2)
  end
  return table.concat({
    head, ',"o":', F.whole(o.at), o.catchup and ',"c":1' or '',
    o.missed > 0 and ',"m":' .. F.whole(o.missed) or '', tracked and ',"x":1' or '', '}\\n',
    s.payload,
  })
end
function F.make_job(t, s, o, tracked, now)
  local number = F.digits(F.take_numbers('number', 1, now))
  local record = F.record_of(s, o, tracked)
  local id = o.how == 'b' and s.id .. '@' .. F.whole(o.at) or ''
  local job = { id = id, due = '', priority = F.priority_of(record), record = record }
  local answer, created = F.save_job(t, number, job, now / 1000)
  if created then
    F.note_fired(s, o.at, number, o.how)
    if tracked then
      F.load_overlap(t, s)
      s.opened[#s.opened + 1] = id == '' and number or number .. ' "' .. F.json_id(s, o) .. '"'
    end
  end
  return answer, created, #record
end
function F.release(t, s, now)
  local released = false
  s.buffer, s.buffered = F.joined(s.buffer, s.buffered, ' '), {}
  while not F.has_open(s) and s.buffer ~= '' do
    local entry
    entry, s.buffer = F.cut_first(s.buffer, ' ')
    s.waiting = s.waiting - 1
    local o = F.occurrence_of(entry)
    if o then
      local _, created = F.make_job(t, s, o, true, now)
      released = released or created
    end
  end
  return released
end
function F.place_of_line(text, number, from)
  local at = string.find(text, number, from, true)
  while at do
    local before, after = string.byte(text, at - 1), string.byte(text, at + #number)
    if (at == 1 or before == 10) and (not after or after == 10 or after == 32) then
      return at, (string.find(text, '\\n', at, true) or #text + 1) - at
    end
    at = string.find(text, number, at + 1, true)
  end
end
local over = {}
function F.job_ended(t, id, number, now)
  local known = over[id]
  if not known then
    local text = redis.call('HGET', SCHEDULES, 'o' .. id) or ''
    known = { text = text, cuts = {}, left = #text, last = 1 }
    over[id] = known
  end
  local at, size = F.place_of_line(known.text, number, known.last)
  if not at then at, size = F.place_of_line(known.text, number, 1) end
  if not at or known.cuts[at] then return end
  known.cuts[at], known.last, known.left = size, at, known.left - size - 1
  if known.left > 0 then return end
  over[id] = nil
  redis.call('HDEL', SCHEDULES, 'o' .. id)
  if redis.call('HEXISTS', SCHEDULES, 'b' .. id) == 0 then return end
  local s = F.read_schedule(id)
  if not s or s.task ~= t.name then return end
  s.open, s.opened = '', {}
  s.buffer, s.buffered = redis.call('HGET', SCHEDULES, 'b' .. id) or '', {}
  s.waiting = F.waiting_in(s.buffer)
  local released = F.release(t, s, now)
  F.write_overlap(s)
  F.write_ledger(s)
  if released then F.wake_one(t) end
end
function F.save_ends()
  F.save_bounds()
  for id, known in pairs(over) do
    if next(known.cuts) then
      redis.call('HSET', SCHEDULES, 'o' .. id, F.without_cuts(known.text, known.cuts, 10))
    end
  end
  over = {}
end
local MOST_CRASHES_IN_ROW, LONGEST_WAIT_MS, DEFAULT_WAIT_MS = 10, 3600000, 10000
local random = tonumber(ARGV[1])
local keep = F.keep_rules(2)
local now = now_us()
local now_ms = now / 1000
local i = 2 + KEEP_ARGS
local task_count = tonumber(ARGV[i])
local tasks = {}
for k = 1, task_count do tasks[k] = F.task_keys(k, ARGV[i + k]) end
i = i + task_count + 1
local reaped = {}
function F.spread(k)
  return (random + k * 0.6180339887) % 1
end
function F.due_after_crash(lease, ends_at, head, row)
  local factor = row >= 2 and 0.5 + F.spread(#reaped) or 1
  local wait = math.min((head.w or DEFAULT_WAIT_MS) * 2 ^ (row - 1) * factor, LONGEST_WAIT_MS)
  return math.max(ends_at, math.ceil(ends_at - lease.length + wait))
end
function F.reissue(t, number, record, due_ms, row)
  redis.call('SREM', t.claimed, number)
  redis.call('HDEL', PROGRESS, number)
  if due_ms <= now_ms then
    F.join(t, number, F.priority_of(record), row, now)
    return 'r', ''
  end
  local due = F.whole(due_ms)
  redis.call('HDEL', t.jobs, number)
  F.put_later(t, number, record, due)
  return 's', due
end
function F.reap_job(t, lease, ends_at, number, record, head)
  local id = head.i or ''
  local f, c, h, row, inv = F.counts_of(t, number)
  if redis.call('HEXISTS', CANCELS, number) == 1 then
    F.end_job(t, number, 'cancelled', id, '{}', keep, now_ms)
    return 'x', '', '', F.counts_text(f, c, h, row, inv)
  end
  if lease.handed then
    redis.call('SREM', t.claimed, number)
    redis.call('HDEL', PROGRESS, number)
    F.join_front(t, number, F.priority_of(record), row)
    return 'r', '', '', F.counts_text(f, c, h, row, inv)
  end
  if not head.r then
    F.end_job(t, number, 'dead', id, '{"reason":"interrupted"}', keep, now_ms)
    return 'd', 'interrupted', '', F.counts_text(f, c, h, row, inv)
  end
  c, row = c + 1, row + 1
  local counts = F.counts_text(f, c, h, row, inv)
  F.set_counts(t, number, counts)
  redis.call('HINCRBY', t.stats, 'crashes', 1)
  if row >= MOST_CRASHES_IN_ROW or (head.r > 0 and f + c >= head.r) then
    F.end_job(t, number, 'dead', id, '{"reason":"crashes"}', keep, now_ms)
    return 'd', 'crashes', '', counts
  end
  local state, due = F.reissue(t, number, record, F.due_after_crash(lease, ends_at, head, row), row)
  return state, '', due, counts
end
function F.reap_lease(fence, index, grace_from)
  local t = tasks[index]
  local lease = F.read_lease(fence, t)
  local score = redis.call('ZSCORE', LEASES, fence)
  local ends_at = tonumber(score or '0')
  if ends_at > now_ms then return end
  if not lease then
    redis.call('ZREM', LEASES, fence)
    return
  end
  if now_ms < grace_from + (lease.handed and HANDED_MS or lease.length) then return end
  if not score then ends_at = now_ms end
  redis.call('ZREM', LEASES, fence)
  redis.call('HDEL', LEASE, fence)
  F.forget_lease(lease.length)
  local members = F.members_of(lease)
  F.single_out(t, members)
  F.leave_bundles(t, members)
  F.save_bundles(t)
  if lease.slice and F.exists(PROGRESS) then F.forget_progress(lease) end
  for _, number in ipairs(members) do
    local record = redis.call('HGET', t.jobs, number)
    if record and redis.call('SISMEMBER', t.claimed, number) == 1 then
      local head = F.head_of(record)
      local state, reason, due, counts = F.reap_job(t, lease, ends_at, number, record, head)
      local id = head.i or ''
      local over = state == 'd' or state == 'x'
      if over and head.x == 1 and head.s then F.job_ended(t, head.s, number, now) end
      reaped[#reaped + 1] = { tostring(index), fence, number, id, state, reason, due, counts }
    end
  end
  if #members > 0 then F.wake_one(t) end
end
local ENOUGH_JOBS = 50
local grace_from = F.note_time(now_ms)
for k = i, #ARGV, 2 do
  if #reaped < ENOUGH_JOBS then F.reap_lease(ARGV[k], tonumber(ARGV[k + 1]), grace_from) end
end
F.save_ends()
F.save_lengths()
return reaped
`,
  },
  "recall": {
    sha1: "9b9d0fa2d634ebe597f0594f6b30921dc9aa55a0",
    text: `#!lua flags=allow-oom
local F = {task_keys=0,exists=0,bundles_of=0,slice_in=0,read_states=0,numbers_lettered=0,text_between=0,read_text=0,place_in_bundle=0,read_states_of=0,records_in=0,record_in=0,records_of=0,is_handed=0,parse_lease=0,read_lease=0,numbers_in=0,letters_of=0,members_of_slice=0,members_of=0,add_joined=0,describe_batch=0}
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], claimed = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17], bundles = KEYS[b + 18],
  }
end
local NUMBER_SIZE = 16
local TWO_DIGITS = '00010203040506070809101112131415161718192021222324'
  .. '25262728293031323334353637383940414243444546474849'
  .. '50515253545556575859606162636465666768697071727374'
  .. '75767778798081828384858687888990919293949596979899'
local heads = {}
local rare_left, seen_rare = math.huge, {}
function F.exists(key)
  if seen_rare[key] ~= nil then return seen_rare[key] end
  if rare_left == 0 then return false end
  seen_rare[key] = redis.call('EXISTS', key) == 1
  if seen_rare[key] then rare_left = rare_left - 1 end
  return seen_rare[key]
end
local BUNDLE_SIZE, SLICE_SIZE = 14, 20
local COUNTERS = 3
local LETTER_R, LETTER_A, LETTER_GONE, COLON = 114, 97, 45, 58
function F.bundles_of(t)
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
local SPELLED = '@00 @01 @02 @03 @04 @05 @06 @07 @08 @09 @10 @11 @12 @13 @14 @15 @16 @17 @18 @19 '
  .. '@20 @21 @22 @23 @24 @25 @26 @27 @28 @29 @30 @31 @32 @33 @34 @35 @36 @37 @38 @39 '
  .. '@40 @41 @42 @43 @44 @45 @46 @47 @48 @49 @50 @51 @52 @53 @54 @55 @56 @57 @58 @59 '
  .. '@60 @61 @62 @63 @64 @65 @66 @67 @68 @69 @70 @71 @72 @73 @74 @75 @76 @77 @78 @79 '
  .. '@80 @81 @82 @83 @84 @85 @86 @87 @88 @89 @90 @91 @92 @93 @94 @95 @96 @97 @98 @99'
function F.slice_in(entry)
  local bundle, from, to = string.match(entry, '^(%d+):(%d%d)%-(%d%d)$')
  if not bundle or #entry ~= SLICE_SIZE or from > to then return nil end
  return bundle, tonumber(from), tonumber(to)
end
function F.read_states(b, key, bundles)
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
function F.numbers_lettered(bundle, letters, letter, from, to)
  local numbers, sub, find = {}, string.sub, string.find
  local at, stop = find(letters, letter, (from or 0) + 1, true), (to or 99) + 1
  while at and at <= stop do
    numbers[#numbers + 1] = bundle .. sub(TWO_DIGITS, 2 * at - 1, 2 * at)
    at = find(letters, letter, at + 1, true)
  end
  return numbers
end
function F.text_between(text, from, to, size)
  if size then return string.sub(text, from * (size + 1) + 1, (to + 1) * (size + 1) - 1) end
  local first, at = 1, 0
  for _ = 1, from do first = (string.find(text, '\\0', first, true) or #text) + 1 end
  at = first
  for k = from, to do
    local stop = string.find(text, '\\0', at, true)
    if not stop then return string.sub(text, first) end
    at = stop + 1
  end
  return string.sub(text, first, at - 2)
end
function F.read_text(t, bundle)
  local b = t.bundled
  b.texts = b.texts or {}
  b.texts[bundle] = b.texts[bundle] or redis.call('HGET', t.bundles, bundle)
  return b.texts[bundle]
end
function F.place_in_bundle(b, number)
  local bundle = string.sub(number, 1, BUNDLE_SIZE)
  local states = b.states[bundle]
  if not states or #number ~= NUMBER_SIZE then return nil end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1))
  if not place then return nil end
  local letter = string.sub(states, place + 1, place + 1)
  if letter ~= 'r' and letter ~= 'a' then return nil end
  return bundle, place, letter
end
function F.read_states_of(t, numbers)
  local bundles, before, wanted = {}, nil, t.bundled.wanted
  for _, number in ipairs(numbers) do
    local bundle = string.sub(number, 1, BUNDLE_SIZE)
    if bundle ~= before then bundles[#bundles + 1], before = bundle, bundle end
    wanted[bundle] = (wanted[bundle] or 0) + 1
  end
  F.read_states(t.bundled, t.bundles, bundles)
end
function F.records_in(t, bundle)
  local b = t.bundled
  b.records = b.records or {}
  if b.records[bundle] then return b.records[bundle] end
  local text, records, from = F.read_text(t, bundle), {}, 1
  while text do
    local stop = string.find(text, '\\0', from, true)
    records[#records + 1] = string.sub(text, from, (stop or 0) - 1)
    if not stop then break end
    from = stop + 1
  end
  b.records[bundle] = records
  return records
end
local FEW_WANTED = 3
function F.record_in(t, bundle, place)
  if t.bundled.wanted[bundle] > FEW_WANTED then return F.records_in(t, bundle)[place + 1] end
  local text = F.read_text(t, bundle)
  local record = text and F.text_between(text, place, place)
  return record ~= '' and record or nil
end
function F.records_of(t, numbers)
  local records = redis.call('HMGET', t.jobs, unpack(numbers))
  if not F.bundles_of(t) then return records end
  F.read_states_of(t, numbers)
  for k, number in ipairs(numbers) do
    local bundle, place = F.place_in_bundle(t.bundled, number)
    records[k] = records[k] or bundle and F.record_in(t, bundle, place) or false
  end
  return records
end
local HANDED_MS, HANDED_LENGTH_MS = 2000, 10000
function F.is_handed(length)
  return string.byte(length) == 48
end
function F.parse_lease(fence, text)
  local a = text and string.find(text, '|', 1, true)
  local b = a and string.find(text, '|', a + 1, true)
  local c = b and string.find(text, '|', b + 1, true)
  if not c then return nil end
  local slice = c - b - 1 == SLICE_SIZE and { F.slice_in(string.sub(text, b + 1, c - 1)) } or nil
  if slice and not slice[1] then return nil end
  return {
    slice = slice, fence = fence, text = text, from = b + 1, to = c - 1, head = b, owner = a + 1,
    length = tonumber(string.sub(text, 1, a - 1)) or 0, handed = F.is_handed(text),
    task = string.sub(text, c + 1),
  }
end
function F.read_lease(fence, t)
  local lease = F.parse_lease(fence, redis.call('HGET', LEASE, fence))
  if lease and t and lease.task == t.name then lease.t = t end
  return lease
end
function F.numbers_in(text)
  local sub, numbers, n = string.sub, {}, 0
  for at = 1, #text, NUMBER_SIZE + 1 do
    n = n + 1
    numbers[n] = sub(text, at, at + NUMBER_SIZE - 1)
  end
  return numbers
end
function F.letters_of(lease)
  local t, bundle = lease.t, lease.slice[1]
  local b = t and F.bundles_of(t)
  if not b then return nil end
  F.read_states(b, t.bundles, { bundle })
  return b.states[bundle] or nil
end
function F.members_of_slice(lease)
  local letters = F.letters_of(lease)
  if not letters then return {} end
  return F.numbers_lettered(lease.slice[1], letters, 'a', lease.slice[2], lease.slice[3])
end
local FEW = 6
local MOST_LOOKED_AFTER = 50
function F.members_of(lease)
  if lease.slice then return F.members_of_slice(lease) end
  return F.numbers_in(string.sub(lease.text, lease.from, lease.to))
end
local PIECE_BYTES = 8000
function F.add_joined(batch, records)
  local from, bytes = 1, 0
  for k = 1, #records do
    local size = #records[k] + 1
    if bytes + size > PIECE_BYTES and k > from then
      batch[#batch + 1] = table.concat(records, '\\0', from, k - 1)
      from, bytes = k, 0
    end
    bytes = bytes + size
  end
  batch[#batch + 1] = table.concat(records, '\\0', from)
end
function F.describe_batch(t, numbers, records, joined, one_by_one)
  local counts, any = {}, false
  if F.exists(t.tries) then
    local found = redis.call('HMGET', t.tries, unpack(numbers))
    for k = 1, #numbers do
      counts[k] = found[k] or ''
      any = any or counts[k] ~= ''
    end
  end
  joined = joined or table.concat(numbers, ' ')
  local counted = any and table.concat(counts, ';') or ''
  if one_by_one then return { joined, counted, unpack(records) } end
  local batch = { joined, counted }
  F.add_joined(batch, records)
  return batch
end
local MOST_BYTES_SEEN, LEASES_PER_PAGE, BYTES_PER_PAIR = 256 * 1024, 50, 50
local BYTES_PER_LEASE = 200
local OF_A_BUNDLE = '^%d+|[^|]*|(%d+):%d%d%-%d%d|'
local task_count = tonumber(ARGV[1])
local batches = {}
for k = 2 + task_count, #ARGV, 2 do
  local index = tonumber(ARGV[k + 1])
  local t = F.task_keys(index, ARGV[1 + index])
  local lease = F.read_lease(ARGV[k], t)
  local numbers, records = {}, {}
  if lease then
    local members = F.members_of(lease)
    local found = #members > 0 and F.records_of(t, members) or {}
    for n, number in ipairs(members) do
      if found[n] then
        numbers[#numbers + 1], records[#records + 1] = number, found[n]
      end
    end
  end
  batches[#batches + 1] = #numbers > 0 and F.describe_batch(t, numbers, records, nil, true) or {}
end
return batches
`,
  },
  "recover": {
    sha1: "9940dbf2f801ceae9922bd6cfaa7671e53d2a2cd",
    text: `#!lua flags=allow-oom
local F = {whole=0,stamp=0,group_of=0,wake_of=0,member_of=0,parse_schedule=0,read_schedule=0,touch=0,write_state=0,refresh_group=0,refresh_groups=0}
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.whole(n)
  return string.format('%.0f', n)
end
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
function F.stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end
function F.group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end
function F.wake_of(s)
  if not s.next_at or (s.paused_at and not s.paused_until) then return nil end
  local due = s.next_at + s.jitter
  return s.paused_at and math.max(s.paused_until, due) or due
end
function F.member_of(s)
  return s.wake and F.group_of(s) .. F.stamp(s.wake) .. s.id or nil
end
function F.parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = F.member_of(s), F.group_of(s)
  return s
end
function F.read_schedule(id)
  local texts = redis.call('HMGET', SCHEDULES, 'd' .. id, 's' .. id)
  return texts[1] and F.parse_schedule(id, texts[1], texts[2]) or nil
end
local touched = {}
function F.touch(group)
  if touched[group] == nil then
    touched[group] = tonumber(redis.call('ZSCORE', FIRING, group) or nil) or false
  end
end
function F.write_state(s)
  s.wake = F.wake_of(s)
  local member, group = F.member_of(s), F.group_of(s)
  local function text(n) return n and F.whole(n) or '-' end
  redis.call('HSET', SCHEDULES, 's' .. s.id, table.concat({
    text(s.next_at), text(s.wake), F.whole(s.decided), F.whole(s.fired), text(s.paused_at),
    text(s.paused_until), s.orphaned and '1' or '0', s.reason,
  }, ' '))
  if member == s.member then return end
  if s.member then
    F.touch(s.group)
    redis.call('ZREM', CURSORS, s.member)
  end
  if member then
    F.touch(group)
    redis.call('ZADD', CURSORS, 0, member)
  end
  if not (s.member and member) then
    redis.call('HINCRBY', META, 'cursors', member and 1 or -1)
  end
  s.member, s.group = member, group
end
function F.refresh_group(group)
  local first =
    redis.call('ZRANGEBYLEX', CURSORS, '[' .. group, '(' .. group .. ':', 'LIMIT', 0, 1)[1]
  if not first then
    redis.call('ZREM', FIRING, group)
    return nil
  end
  local at = tonumber(string.sub(first, #group + 1, #group + 16))
  redis.call('ZADD', FIRING, F.whole(at), group)
  return at
end
function F.refresh_groups(nearer)
  for group, before in pairs(touched) do
    local at = F.refresh_group(group)
    if nearer and at and (not before or at < before) then nearer(group) end
  end
  touched = {}
end
local unknown = {}
for k = 1, #ARGV, 4 do
  local s, decided, following = F.read_schedule(ARGV[k]), tonumber(ARGV[k + 1]), tonumber(ARGV[k + 2])
  if not s then unknown[#unknown + 1] = ARGV[k] end
  if s and (decided > s.decided or (s.next_at and s.next_at <= s.decided)) then
    s.decided = math.max(s.decided, decided)
    local before = s.next_at and s.next_at <= s.decided and s.digest == ARGV[k + 3]
    if before and (not following or following > s.decided) then s.next_at = following end
    F.write_state(s)
  end
end
F.refresh_groups(nil)
return unknown
`,
  },
  "redrive": {
    sha1: "9bc4003d60ef53a54ec8b6a936a26b4a4860d72f",
    text: `#!lua flags=allow-oom
local F = {task_keys=0,digits=0,raised=0,take_numbers=0,wake_one=0,written=0,head_of=0,priority_of=0,last_in_line=0,join=0,stamp=0,group_of=0,member_of=0,parse_schedule=0,read_schedule=0,write_text=0,joined=0,join_open=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], claimed = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17], bundles = KEYS[b + 18],
  }
end
local NUMBER_SIZE = 16
function F.digits(n)
  return string.format('%016.0f', n)
end
function F.raised(field, last, count, now)
  local first = math.max(last + 1, now)
  redis.call('HSET', META, field, F.digits(first + count - 1))
  return first
end
function F.take_numbers(field, count, now)
  return F.raised(field, tonumber(redis.call('HGET', META, field) or '0'), count, now)
end
local TWO_DIGITS = '00010203040506070809101112131415161718192021222324'
  .. '25262728293031323334353637383940414243444546474849'
  .. '50515253545556575859606162636465666768697071727374'
  .. '75767778798081828384858687888990919293949596979899'
local heads = {}
local MOST_DEAD = 200
function F.wake_one(t)
  for _ = 1, MOST_DEAD do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return false end
    if redis.call('PUBLISH', CHANNEL .. sleeper, 't' .. t.name) > 0 then return true end
  end
  return false
end
local rare_left, seen_rare = math.huge, {}
function F.written(key)
  seen_rare[key] = true
end
local PACKED_FROM, PACKED_BELOW = 1750000000000000, 1750000000000000 + 254 * 2 ^ 40
function F.head_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return {} end
  local ok, head = pcall(cjson.decode, string.sub(record, 1, stop - 1))
  return ok and type(head) == 'table' and head or {}
end
function F.priority_of(record)
  if not string.find(record, '"p":', 1, true) then return '0' end
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return '0' end
  return string.match(string.sub(record, 1, stop - 1), '"p":(-?%d+)') or '0'
end
local ALONE_AFTER = 3
function F.last_in_line(number, order)
  return order == number and '1' .. number or '1' .. order .. ':' .. number
end
function F.join(t, number, priority, row, now, order)
  if row >= ALONE_AFTER then
    F.written(t.alone)
    redis.call('RPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('RPUSH', t.ready, number)
  else
    F.written(t.prio)
    order = order or F.digits(F.take_numbers('number', 1, now))
    redis.call('ZADD', t.prio, priority, F.last_in_line(number, order))
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
local KEEP_ARGS = 8
local STATE_LETTER = { completed = 'c', dead = 'd', cancelled = 'x' }
local SURPLUS_PER_CALL = 20
local added_to = {}
local BUNDLE_SIZE, SLICE_SIZE = 14, 20
local COUNTERS = 3
local LETTER_R, LETTER_A, LETTER_GONE, COLON = 114, 97, 45, 58
local SPELLED = '@00 @01 @02 @03 @04 @05 @06 @07 @08 @09 @10 @11 @12 @13 @14 @15 @16 @17 @18 @19 '
  .. '@20 @21 @22 @23 @24 @25 @26 @27 @28 @29 @30 @31 @32 @33 @34 @35 @36 @37 @38 @39 '
  .. '@40 @41 @42 @43 @44 @45 @46 @47 @48 @49 @50 @51 @52 @53 @54 @55 @56 @57 @58 @59 '
  .. '@60 @61 @62 @63 @64 @65 @66 @67 @68 @69 @70 @71 @72 @73 @74 @75 @76 @77 @78 @79 '
  .. '@80 @81 @82 @83 @84 @85 @86 @87 @88 @89 @90 @91 @92 @93 @94 @95 @96 @97 @98 @99'
local FEW_WANTED = 3
local HANDED_MS, HANDED_LENGTH_MS = 2000, 10000
local FEW = 6
local MOST_LOOKED_AFTER = 50
local PIECE_BYTES = 8000
local MOST_BYTES_SEEN, LEASES_PER_PAGE, BYTES_PER_PAIR = 256 * 1024, 50, 50
local BYTES_PER_LEASE = 200
local OF_A_BUNDLE = '^%d+|[^|]*|(%d+):%d%d%-%d%d|'
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
function F.stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end
function F.group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end
function F.member_of(s)
  return s.wake and F.group_of(s) .. F.stamp(s.wake) .. s.id or nil
end
function F.parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = F.member_of(s), F.group_of(s)
  return s
end
function F.read_schedule(id)
  local texts = redis.call('HMGET', SCHEDULES, 'd' .. id, 's' .. id)
  return texts[1] and F.parse_schedule(id, texts[1], texts[2]) or nil
end
local touched = {}
local MOST_KEPT = 100
local INSTANCE = string.sub(SESSION, #META + 5, #META + 12)
local ALLOW, SKIP, BUFFER_ONE, CANCEL_OTHER = 0, 1, 2, 4
local MOST_BUFFERED = 1000
local MOST_SOUGHT = 50
function F.write_text(field, text)
  if text == '' then
    redis.call('HDEL', SCHEDULES, field)
  else
    redis.call('HSET', SCHEDULES, field, text)
  end
end
function F.joined(text, more, between)
  if #more == 0 then return text end
  local added = table.concat(more, between)
  return text == '' and added or text .. between .. added
end
local over = {}
function F.join_open(t, head, number)
  local s = F.read_schedule(head.s)
  if not s or s.task ~= t.name then return end
  local open = redis.call('HGET', SCHEDULES, 'o' .. s.id) or ''
  local line = head.i and number .. ' ' .. cjson.encode(head.i) or number
  F.write_text('o' .. s.id, F.joined(open, { line }, '\\n'))
end
local t, id, old, record = F.task_keys(1, ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local ended = redis.call('HGET', t.ended, old)
if not ended then return 0 end
local letter = string.sub(ended, 1, 1)
if letter ~= 'd' and letter ~= 'x' then return 0 end
local entry = redis.call('HGET', t.ids, id)
if entry and string.match(entry, '^%d+') ~= old then return 2 end
local number = F.digits(F.take_numbers('number', 1, now_us()))
redis.call('HSET', t.jobs, number, record)
redis.call('HSET', t.ids, id, number)
redis.call('ZREM', t.idends, id)
redis.call('HDEL', t.ended, old)
redis.call('ZREM', letter == 'd' and t.dead or t.cancelled, old)
F.join(t, number, F.priority_of(record), 0, nil, number)
local head = F.head_of(record)
if head.x == 1 and head.s then F.join_open(t, head, number) end
F.wake_one(t)
return 1
`,
  },
  "register": {
    sha1: "541c5b107fb12edca5c57db96deade7c67a03bb2",
    text: `#!lua flags=allow-oom
local F = {whole=0,stamp=0,group_of=0,wake_of=0,member_of=0,parse_schedule=0,read_schedule=0,write_definition=0,touch=0,write_state=0,add_name=0,refresh_group=0,refresh_groups=0,forget_schedule=0,read_parcels=0,write_parcels=0,may_be_taken=0,is_moving=0,has_left_since=0,parcel_fields=0,parcel_revision=0,drop_parcel=0,take_in=0,put_back=0,lines_of=0,load_fired=0,note_passed=0,pass_one=0,write_lines=0,write_ledger=0,parse_sets=0,read_registrations=0,is_live=0,raise_registrations=0,write_sets=0,end_of_set=0,renew_set=0,note_registrations=0,parse_offers=0,read_offers=0,write_offers=0,offer_of=0,has_live=0,note_offer=0,in_force=0,leave_task=0,wake_firer=0,answer=0,is_held_live=0,is_contested=0,conflicts=0,adopt=0,define=0,add=0,keep=0,change=0,is_elsewhere=0,register=0,take=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.whole(n)
  return string.format('%.0f', n)
end
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
function F.stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end
function F.group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end
function F.wake_of(s)
  if not s.next_at or (s.paused_at and not s.paused_until) then return nil end
  local due = s.next_at + s.jitter
  return s.paused_at and math.max(s.paused_until, due) or due
end
function F.member_of(s)
  return s.wake and F.group_of(s) .. F.stamp(s.wake) .. s.id or nil
end
function F.parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = F.member_of(s), F.group_of(s)
  return s
end
function F.read_schedule(id)
  local texts = redis.call('HMGET', SCHEDULES, 'd' .. id, 's' .. id)
  return texts[1] and F.parse_schedule(id, texts[1], texts[2]) or nil
end
function F.write_definition(s)
  local numbers = string.format('%.0f %d %d %d %.0f %.0f %s %d %d ',
    s.revision, s.code and 1 or 0, s.overlap, s.is_local and 1 or 0, s.jitter, s.generation,
    s.digest, #s.task, #s.head)
  redis.call('HSET', SCHEDULES, 'd' .. s.id, numbers .. s.task .. s.head .. s.definition)
end
local touched = {}
function F.touch(group)
  if touched[group] == nil then
    touched[group] = tonumber(redis.call('ZSCORE', FIRING, group) or nil) or false
  end
end
function F.write_state(s)
  s.wake = F.wake_of(s)
  local member, group = F.member_of(s), F.group_of(s)
  local function text(n) return n and F.whole(n) or '-' end
  redis.call('HSET', SCHEDULES, 's' .. s.id, table.concat({
    text(s.next_at), text(s.wake), F.whole(s.decided), F.whole(s.fired), text(s.paused_at),
    text(s.paused_until), s.orphaned and '1' or '0', s.reason,
  }, ' '))
  if member == s.member then return end
  if s.member then
    F.touch(s.group)
    redis.call('ZREM', CURSORS, s.member)
  end
  if member then
    F.touch(group)
    redis.call('ZADD', CURSORS, 0, member)
  end
  if not (s.member and member) then
    redis.call('HINCRBY', META, 'cursors', member and 1 or -1)
  end
  s.member, s.group = member, group
end
function F.add_name(id)
  redis.call('ZADD', CURSORS, 0, 'n' .. id)
  redis.call('HINCRBY', META, 'schedules', 1)
end
function F.refresh_group(group)
  local first =
    redis.call('ZRANGEBYLEX', CURSORS, '[' .. group, '(' .. group .. ':', 'LIMIT', 0, 1)[1]
  if not first then
    redis.call('ZREM', FIRING, group)
    return nil
  end
  local at = tonumber(string.sub(first, #group + 1, #group + 16))
  redis.call('ZADD', FIRING, F.whole(at), group)
  return at
end
function F.refresh_groups(nearer)
  for group, before in pairs(touched) do
    local at = F.refresh_group(group)
    if nearer and at and (not before or at < before) then nearer(group) end
  end
  touched = {}
end
function F.forget_schedule(s)
  for _, letter in ipairs(KINDS_OF_FIELDS) do redis.call('HDEL', SCHEDULES, letter .. s.id) end
  redis.call('ZREM', CURSORS, 'n' .. s.id)
  redis.call('HINCRBY', META, 'schedules', -1)
  if s.member then
    F.touch(s.group)
    redis.call('ZREM', CURSORS, s.member)
    redis.call('HINCRBY', META, 'cursors', -1)
  end
  if s.is_local then redis.call('HDEL', KEEPERS, 'f' .. s.group, 'w' .. s.group) end
  F.refresh_groups(nil)
end
local TAKEN_IN_MS = 30000
local parcels = nil
function F.read_parcels()
  if parcels then return parcels end
  parcels = cjson.decode(redis.call('HGET', SCHEDULES, 'X') or '{}')
  for id, one in pairs(parcels) do
    if type(one) == 'number' then one = { one, '' } end
    if type(one[3]) ~= 'table' then one[3] = { one[3] or 0, one[1] } end
    one[4] = one[4] or one[1]
    parcels[id] = one
  end
  return parcels
end
function F.write_parcels()
  if next(parcels) == nil then
    redis.call('HDEL', SCHEDULES, 'X')
  else
    redis.call('HSET', SCHEDULES, 'X', cjson.encode(parcels))
  end
end
function F.may_be_taken(given_at, now_ms)
  return math.abs(now_ms - given_at) < TAKEN_IN_MS
end
function F.is_moving(id, to, now_ms)
  local parcel = F.read_parcels()[id]
  return parcel ~= nil and parcel[2] ~= to and F.may_be_taken(parcel[1], now_ms)
end
function F.has_left_since(id, asked_at, now_ms)
  local at = tonumber(redis.call('HGET', META, 'left ' .. id) or '0')
  return at > asked_at and F.may_be_taken(at, now_ms)
end
function F.parcel_fields(id)
  if redis.call('HEXISTS', SCHEDULES, 'D' .. id) == 0 then return nil end
  local fields = {}
  for k, letter in ipairs(KINDS_OF_FIELDS) do
    fields[k] = redis.call('HGET', SCHEDULES, string.upper(letter) .. id) or ''
  end
  return fields
end
function F.parcel_revision(id)
  return tonumber(string.match(redis.call('HGET', SCHEDULES, 'D' .. id) or '', '^%d+')) or 0
end
function F.drop_parcel(id)
  local fields = {}
  for k, letter in ipairs(KINDS_OF_FIELDS) do fields[k] = string.upper(letter) .. id end
  redis.call('HDEL', SCHEDULES, unpack(fields))
  if not F.read_parcels()[id] then return end
  F.read_parcels()[id] = nil
  F.write_parcels()
end
function F.take_in(id, fields)
  F.drop_parcel(id)
  if redis.call('HEXISTS', SCHEDULES, 'd' .. id) == 1 then return nil end
  for k, letter in ipairs(KINDS_OF_FIELDS) do
    if fields[k] ~= '' then redis.call('HSET', SCHEDULES, letter .. id, fields[k]) end
  end
  F.add_name(id)
  local s = F.read_schedule(id)
  s.member = nil
  F.write_state(s)
  return s
end
function F.put_back(id)
  local fields = F.parcel_fields(id)
  return fields and F.take_in(id, fields)
end
local MOST_KEPT = 100
local INSTANCE = string.sub(SESSION, #META + 5, #META + 12)
function F.lines_of(field)
  local lines = {}
  for line in string.gmatch(redis.call('HGET', SCHEDULES, field) or '', '[^\\n]+') do
    lines[#lines + 1] = line
  end
  return lines
end
function F.load_fired(s)
  if s.fired_lines then return end
  s.fired_lines, s.last_fired = F.lines_of('f' .. s.id), -math.huge
  for _, line in ipairs(s.fired_lines) do
    s.last_fired = math.max(s.last_fired, tonumber(string.match(line, '^%S+')))
  end
end
function F.note_passed(s, row, now_ms)
  s.passed_lines = s.passed_lines or F.lines_of('u' .. s.id)
  local lines, from, count = s.passed_lines, row.from, row.count
  local reason, last_from, last_to, last_count =
    string.match(lines[#lines] or '', '^(%a) (%S+) (%S+) (%d+) ')
  local place = #lines + 1
  if reason == row.reason and tonumber(last_to) < from then
    F.load_fired(s)
    if s.last_fired < tonumber(last_to) then
      place, from, count = #lines, tonumber(last_from), count + tonumber(last_count)
    end
  end
  lines[place] = string.format('%s %.0f %.0f %.0f %.0f %s',
    row.reason, from, row.to, count, math.floor(now_ms), INSTANCE)
  s.passed_changed = true
end
function F.pass_one(s, reason, at, now_ms)
  F.note_passed(s, { reason = reason, from = at, to = at, count = 1 }, now_ms)
end
function F.write_lines(field, lines)
  local from = math.max(1, #lines - MOST_KEPT + 1)
  redis.call('HSET', SCHEDULES, field, table.concat(lines, '\\n', from))
end
function F.write_ledger(s)
  if s.fired_changed then F.write_lines('f' .. s.id, s.fired_lines) end
  if s.passed_changed then F.write_lines('u' .. s.id, s.passed_lines) end
  s.fired_changed, s.passed_changed = false, false
end
local MOST_SETS, SETS_REMEMBERED_MS = 200, 31 * 86400000
function F.parse_sets(text)
  local ends = {}
  for set, at in string.gmatch(text or '', '(%S+)=(%d+)') do ends[set] = tonumber(at) end
  return ends
end
function F.read_registrations()
  local m = redis.call('HMGET', META, 'sets', 'setsGrace')
  return { ends = F.parse_sets(m[1]), grace = tonumber(m[2] or '0') }
end
function F.is_live(r, set, now_ms)
  local ends = r.ends[set]
  return ends ~= nil and (ends > now_ms or now_ms < r.grace)
end
function F.raise_registrations()
  redis.call('HINCRBY', META, 'registrations', 1)
end
function F.write_sets(ends, judged, now_ms)
  local list, next_end = {}, math.huge
  for set, at in pairs(ends) do
    if at > now_ms - SETS_REMEMBERED_MS then list[#list + 1] = { set = set, at = at } end
  end
  table.sort(list, function(a, b)
    if a.at ~= b.at then return a.at > b.at end
    return a.set < b.set
  end)
  local parts = {}
  for k = 1, math.min(#list, MOST_SETS) do
    parts[k] = list[k].set .. '=' .. F.whole(list[k].at)
    if list[k].at > judged then next_end = list[k].at end
  end
  redis.call('HSET', META, 'sets', table.concat(parts, ' '),
    'setsNext', next_end < math.huge and F.whole(next_end) or '')
end
function F.end_of_set(text, set)
  local padded = ' ' .. (text or '')
  local _, stop = string.find(padded, ' ' .. set .. '=', 1, true)
  return stop and tonumber(string.match(padded, '^%d+', stop + 1)) or nil
end
function F.renew_set(set, lease_ms, now_ms)
  local m = redis.call('HMGET', META, 'sets', 'setsGrace', 'setsJudged')
  local this, ends_at = math.floor(now_ms), F.end_of_set(m[1], set)
  if ends_at and ends_at - now_ms >= lease_ms * 2 / 3 then return end
  local lives = ends_at and (ends_at > now_ms or now_ms < tonumber(m[2] or '0'))
  local ends = F.parse_sets(m[1])
  ends[set] = math.max(ends_at or 0, this + lease_ms)
  F.write_sets(ends, tonumber(m[3] or '0'), now_ms)
  if not lives then F.raise_registrations() end
end
function F.note_registrations(lease_ms, now_ms)
  local m = redis.call('HMGET', META, 'setsNoted', 'setsJudged', 'sets')
  local this, noted = math.floor(now_ms), tonumber(m[1] or nil)
  local since = noted and this - noted or nil
  if since and since >= 0 and since < lease_ms / 6 then return end
  redis.call('HSET', META, 'setsNoted', F.whole(this))
  if not since or (since >= 0 and since <= lease_ms * 2 / 3) then return end
  redis.call('HSET', META, 'setsGrace', F.whole(this + lease_ms))
  if since > 0 then return end
  local ends, judged = F.parse_sets(m[3]), math.min(tonumber(m[2] or '0'), this)
  for set, at in pairs(ends) do ends[set] = math.min(at, this + lease_ms) end
  redis.call('HSET', META, 'setsJudged', F.whole(judged))
  F.write_sets(ends, judged, now_ms)
end
local MOST_OFFERS, MOST_SETS_PER_OFFER = 10, 30
function F.parse_offers(text)
  local offers = {}
  for digest, generation, at, sets in string.gmatch(text or '', '(%S+) (%d+) (%d+)([^\\n]*)') do
    local offer = {
      digest = digest, generation = tonumber(generation), at = tonumber(at), sets = {},
    }
    for set in string.gmatch(sets, '%S+') do offer.sets[#offer.sets + 1] = set end
    offers[#offers + 1] = offer
  end
  return offers
end
function F.read_offers(id)
  return F.parse_offers(redis.call('HGET', SCHEDULES, 'g' .. id))
end
function F.write_offers(id, offers)
  local lines = {}
  for k, offer in ipairs(offers) do
    local sets = #offer.sets > 0 and ' ' .. table.concat(offer.sets, ' ') or ''
    lines[k] = offer.digest .. ' ' .. F.whole(offer.generation) .. ' ' .. F.whole(offer.at) .. sets
  end
  redis.call('HSET', SCHEDULES, 'g' .. id, table.concat(lines, '\\n'))
end
function F.offer_of(offers, digest)
  for _, offer in ipairs(offers) do
    if offer.digest == digest then return offer end
  end
end
function F.has_live(r, offer, now_ms)
  for _, set in ipairs(offer and offer.sets or {}) do
    if F.is_live(r, set, now_ms) then return true end
  end
  return false
end
function F.note_offer(offers, given, r, now_ms)
  local known, highest, others = nil, 0, {}
  for _, offer in ipairs(offers) do
    highest = math.max(highest, offer.generation)
    if offer.digest == given.digest then known = offer else others[#others + 1] = offer end
  end
  local generation = known and known.generation or given.generation or highest + 1
  local dead, live = {}, {}
  for _, set in ipairs(known and known.sets or {}) do
    local list = F.is_live(r, set, now_ms) and live or dead
    if set ~= given.set then list[#list + 1] = set end
  end
  for _, set in ipairs(live) do dead[#dead + 1] = set end
  dead[#dead + 1] = given.set
  while #dead > MOST_SETS_PER_OFFER do table.remove(dead, 1) end
  local noted = {
    digest = given.digest, generation = generation, at = math.floor(now_ms), sets = dead,
  }
  local place = #others + 1
  while place > 1 and others[place - 1].generation > generation do place = place - 1 end
  table.insert(others, place, noted)
  while #others > MOST_OFFERS do table.remove(others, 1) end
  return others, generation
end
function F.in_force(offers, current, r, now_ms)
  local best
  for _, offer in ipairs(offers) do
    if F.has_live(r, offer, now_ms) then
      local same = best and offer.generation == best.generation
      local higher = not best or offer.generation > best.generation
      if higher or (same and offer.digest == current) then best = offer end
    end
  end
  return best and best.digest or current
end
function F.leave_task(s, now_ms)
  local waiting = redis.call('HGET', SCHEDULES, 'b' .. s.id) or ''
  for at in string.gmatch(waiting, '(%-?%d+),%d,%d+,%a') do
    F.pass_one(s, 'w', tonumber(at), now_ms)
  end
  redis.call('HDEL', SCHEDULES, 'o' .. s.id)
  redis.call('HDEL', SCHEDULES, 'b' .. s.id)
end
local MOST_WATCHERS = 2
function F.wake_firer(group)
  local heard = 0
  for keeper in string.gmatch(redis.call('HGET', KEEPERS, 'f' .. group) or '', ' (%S+)') do
    heard = heard + redis.call('PUBLISH', CHANNEL .. keeper, 'l')
  end
  if heard > 0 then return end
  for watcher in string.gmatch(redis.call('HGET', KEEPERS, 'w' .. group) or '', '%S+') do
    if redis.call('PUBLISH', CHANNEL .. watcher, 'l') > 0 then return end
  end
  redis.call('HDEL', KEEPERS, 'w' .. group)
end
local ARGS = 12
local now_ms = now_us() / 1000
local this = math.floor(now_ms)
local set, lease_ms = ARGV[1], tonumber(ARGV[2])
local all_asked, given = ARGV[3] == '1', tonumber(ARGV[4])
local til = tonumber(ARGV[5])
if til > 0 and now_ms > til then
  return redis.error_reply('SMQLATE what the other shards have said came too late')
end
if set ~= '' then
  F.note_registrations(lease_ms, now_ms)
  F.renew_set(set, lease_ms, now_ms)
end
local live = F.read_registrations()
function F.answer(outcome, s, over)
  return {
    outcome, F.whole(over.generation or 0), F.whole(s and s.revision or 0),
    s and s.next_at and F.whole(s.next_at) or '', over.contested and '1' or '0',
    F.whole(over.now or this),
  }
end
function F.is_held_live(s, offers)
  return F.has_live(live, F.offer_of(offers, s.digest), now_ms)
end
function F.is_contested(offers, digest)
  for _, offer in ipairs(offers) do
    if offer.digest ~= digest and F.has_live(live, offer, now_ms) then return true end
  end
  return false
end
function F.conflicts(s, w, offers)
  if w.code and not s.code then return true end
  local other = w.code ~= s.code or (w.code and w.task ~= s.task)
  return other and s.code and F.is_held_live(s, offers)
end
function F.adopt(s)
  local paused = s.paused_at and s.orphaned
  if not paused or (s.paused_until and s.paused_until <= now_ms) then return false end
  s.paused_until = this
  return true
end
function F.define(s, w, generation)
  s.task, s.definition, s.digest, s.head = w.task, w.definition, w.digest, w.head
  s.overlap, s.is_local, s.jitter, s.code = w.overlap, w.is_local, w.jitter, w.code
  s.generation, s.next_at = generation, w.first
  F.write_definition(s)
  if w.payload == '' then
    redis.call('HDEL', SCHEDULES, 'p' .. s.id)
  else
    redis.call('HSET', SCHEDULES, 'p' .. s.id, w.payload)
  end
  F.write_state(s)
end
function F.add(w)
  local offers, generation = {}, 0
  if w.code then offers, generation = F.note_offer({}, w, live, now_ms) end
  if not w.decided and w.first and w.first + w.jitter <= now_ms then
    return F.answer('stale', nil, { generation = generation })
  end
  local s = { id = w.id, revision = 1, decided = w.decided or 0, fired = 0, reason = '' }
  F.define(s, w, generation)
  F.add_name(w.id)
  if w.code then F.write_offers(w.id, offers) end
  return F.answer('added', s, { generation = generation })
end
function F.keep(s, w, over)
  local changed = false
  if w.decided and w.decided > s.decided then
    s.decided, changed = w.decided, true
    if s.next_at and s.next_at <= s.decided then s.next_at = w.first end
  end
  if F.adopt(s) then
    s.revision, changed = s.revision + 1, true
    F.write_definition(s)
  end
  if changed then F.write_state(s) end
  return F.answer('unchanged', s, over)
end
function F.change(s, w, over)
  local latest = math.max(this, math.max(s.decided, w.decided or 0) + w.jitter)
  if w.first and w.first + w.jitter <= latest then
    over.now = latest
    return F.answer('stale', s, over)
  end
  if w.task ~= s.task then F.leave_task(s, now_ms) end
  F.write_ledger(s)
  s.decided, s.revision = math.max(s.decided, w.decided or 0), s.revision + 1
  F.adopt(s)
  F.define(s, w, over.generation)
  if over.contested then F.raise_registrations() end
  return F.answer('changed', s, over)
end
function F.is_elsewhere(id)
  if til == 0 then return F.is_moving(id, nil, now_ms) end
  local asked_at = til - TAKEN_IN_MS
  return F.is_moving(id, nil, asked_at) or F.has_left_since(id, asked_at, now_ms)
end
function F.register(w)
  local s = F.read_schedule(w.id)
  if not s and not all_asked then return F.answer('away', nil, {}) end
  if not s and F.is_elsewhere(w.id) then return F.answer('away', nil, {}) end
  s = s or F.put_back(w.id)
  if not s then return F.add(w) end
  local offers = s.code and F.read_offers(w.id) or {}
  if F.conflicts(s, w, offers) then return F.answer('conflict', s, {}) end
  local over = { generation = 0 }
  if w.code then
    offers, over.generation = F.note_offer(offers, w, live, now_ms)
    F.write_offers(w.id, offers)
    over.contested = F.is_contested(offers, w.digest)
  end
  if s.digest == w.digest and s.code == w.code and s.task == w.task then
    return F.keep(s, w, over)
  end
  if w.code and F.in_force(offers, s.digest, live, now_ms) ~= w.digest then
    return F.answer('superseded', s, over)
  end
  if s.next_at and s.next_at + s.jitter <= now_ms then return F.answer('due', s, over) end
  local changed = F.change(s, w, over)
  if changed[1] == 'changed' and not w.code then redis.call('HDEL', SCHEDULES, 'g' .. w.id) end
  return changed
end
function F.take(id, alive, fields)
  if F.is_elsewhere(id) then return false end
  local revision = tonumber(string.match(fields[1], '^%d+'))
  if not alive and F.parcel_revision(id) > revision then return false end
  return F.take_in(id, fields) ~= nil
end
local PARCEL, taken = 2 + #KINDS_OF_FIELDS, {}
local DONE = { added = true, changed = true, unchanged = true }
local first = 6 + given * PARCEL
for k = 6, first - 1, PARCEL do
  taken[ARGV[k]] = F.take(ARGV[k], ARGV[k + 1] == '1', { unpack(ARGV, k + 2, k + PARCEL - 1) })
end
local answers = {}
for k = first, #ARGV, ARGS do
  local w = {
    id = ARGV[k], task = ARGV[k + 1], definition = ARGV[k + 2], digest = ARGV[k + 3],
    head = ARGV[k + 4], payload = ARGV[k + 5], overlap = tonumber(ARGV[k + 6]),
    is_local = ARGV[k + 7] == '1', jitter = tonumber(ARGV[k + 8]), first = tonumber(ARGV[k + 9]),
    decided = tonumber(ARGV[k + 10]), generation = tonumber(ARGV[k + 11]), code = set ~= '',
    set = set,
  }
  local said = F.register(w)
  answers[#answers + 1] = said
  if taken[w.id] and not DONE[said[1]] then F.forget_schedule(F.read_schedule(w.id)) end
end
F.refresh_groups(F.wake_firer)
return answers
`,
  },
  "remove": {
    sha1: "c0d1f38c15e71eaa010911910d23cd897c67548f",
    text: `#!lua flags=allow-oom
local F = {whole=0,stamp=0,group_of=0,member_of=0,parse_schedule=0,read_schedule=0,touch=0,refresh_group=0,refresh_groups=0,forget_schedule=0,read_parcels=0,write_parcels=0,parcel_fields=0,drop_parcel=0,parse_sets=0,read_registrations=0,is_live=0,parse_offers=0,read_offers=0,offer_of=0,has_live=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.whole(n)
  return string.format('%.0f', n)
end
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
function F.stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end
function F.group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end
function F.member_of(s)
  return s.wake and F.group_of(s) .. F.stamp(s.wake) .. s.id or nil
end
function F.parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = F.member_of(s), F.group_of(s)
  return s
end
function F.read_schedule(id)
  local texts = redis.call('HMGET', SCHEDULES, 'd' .. id, 's' .. id)
  return texts[1] and F.parse_schedule(id, texts[1], texts[2]) or nil
end
local touched = {}
function F.touch(group)
  if touched[group] == nil then
    touched[group] = tonumber(redis.call('ZSCORE', FIRING, group) or nil) or false
  end
end
function F.refresh_group(group)
  local first =
    redis.call('ZRANGEBYLEX', CURSORS, '[' .. group, '(' .. group .. ':', 'LIMIT', 0, 1)[1]
  if not first then
    redis.call('ZREM', FIRING, group)
    return nil
  end
  local at = tonumber(string.sub(first, #group + 1, #group + 16))
  redis.call('ZADD', FIRING, F.whole(at), group)
  return at
end
function F.refresh_groups(nearer)
  for group, before in pairs(touched) do
    local at = F.refresh_group(group)
    if nearer and at and (not before or at < before) then nearer(group) end
  end
  touched = {}
end
function F.forget_schedule(s)
  for _, letter in ipairs(KINDS_OF_FIELDS) do redis.call('HDEL', SCHEDULES, letter .. s.id) end
  redis.call('ZREM', CURSORS, 'n' .. s.id)
  redis.call('HINCRBY', META, 'schedules', -1)
  if s.member then
    F.touch(s.group)
    redis.call('ZREM', CURSORS, s.member)
    redis.call('HINCRBY', META, 'cursors', -1)
  end
  if s.is_local then redis.call('HDEL', KEEPERS, 'f' .. s.group, 'w' .. s.group) end
  F.refresh_groups(nil)
end
local TAKEN_IN_MS = 30000
local parcels = nil
function F.read_parcels()
  if parcels then return parcels end
  parcels = cjson.decode(redis.call('HGET', SCHEDULES, 'X') or '{}')
  for id, one in pairs(parcels) do
    if type(one) == 'number' then one = { one, '' } end
    if type(one[3]) ~= 'table' then one[3] = { one[3] or 0, one[1] } end
    one[4] = one[4] or one[1]
    parcels[id] = one
  end
  return parcels
end
function F.write_parcels()
  if next(parcels) == nil then
    redis.call('HDEL', SCHEDULES, 'X')
  else
    redis.call('HSET', SCHEDULES, 'X', cjson.encode(parcels))
  end
end
function F.parcel_fields(id)
  if redis.call('HEXISTS', SCHEDULES, 'D' .. id) == 0 then return nil end
  local fields = {}
  for k, letter in ipairs(KINDS_OF_FIELDS) do
    fields[k] = redis.call('HGET', SCHEDULES, string.upper(letter) .. id) or ''
  end
  return fields
end
function F.drop_parcel(id)
  local fields = {}
  for k, letter in ipairs(KINDS_OF_FIELDS) do fields[k] = string.upper(letter) .. id end
  redis.call('HDEL', SCHEDULES, unpack(fields))
  if not F.read_parcels()[id] then return end
  F.read_parcels()[id] = nil
  F.write_parcels()
end
local MOST_SETS, SETS_REMEMBERED_MS = 200, 31 * 86400000
function F.parse_sets(text)
  local ends = {}
  for set, at in string.gmatch(text or '', '(%S+)=(%d+)') do ends[set] = tonumber(at) end
  return ends
end
function F.read_registrations()
  local m = redis.call('HMGET', META, 'sets', 'setsGrace')
  return { ends = F.parse_sets(m[1]), grace = tonumber(m[2] or '0') }
end
function F.is_live(r, set, now_ms)
  local ends = r.ends[set]
  return ends ~= nil and (ends > now_ms or now_ms < r.grace)
end
local MOST_OFFERS, MOST_SETS_PER_OFFER = 10, 30
function F.parse_offers(text)
  local offers = {}
  for digest, generation, at, sets in string.gmatch(text or '', '(%S+) (%d+) (%d+)([^\\n]*)') do
    local offer = {
      digest = digest, generation = tonumber(generation), at = tonumber(at), sets = {},
    }
    for set in string.gmatch(sets, '%S+') do offer.sets[#offer.sets + 1] = set end
    offers[#offers + 1] = offer
  end
  return offers
end
function F.read_offers(id)
  return F.parse_offers(redis.call('HGET', SCHEDULES, 'g' .. id))
end
function F.offer_of(offers, digest)
  for _, offer in ipairs(offers) do
    if offer.digest == digest then return offer end
  end
end
function F.has_live(r, offer, now_ms)
  for _, set in ipairs(offer and offer.sets or {}) do
    if F.is_live(r, set, now_ms) then return true end
  end
  return false
end
local s, revision, now_ms = F.read_schedule(ARGV[1]), tonumber(ARGV[2]), now_us() / 1000
if not s and not revision and F.parcel_fields(ARGV[1]) then
  F.drop_parcel(ARGV[1])
  return 'removed'
end
if not s then return 'unknown' end
local offer = s.code and F.offer_of(F.read_offers(s.id), s.digest)
if F.has_live(F.read_registrations(), offer, now_ms) then return 'live' end
if revision and s.revision ~= revision then return 'changed' end
F.forget_schedule(s)
return 'removed'
`,
  },
  "renew": {
    sha1: "877e040ffda79a2365b4408332d8ae60ba770992",
    text: `#!lua flags=allow-oom
local F = {whole=0,read_lengths=0,lengths_text=0,change_leases=0,forget_lease=0,save_lengths=0,shortest_of=0,clamp_leases=0,note_time=0,note_leases=0,bundles_of=0,spelled=0,slice_in=0,read_states=0,numbers_lettered=0,is_handed=0,parse_lease=0,read_lease=0,numbers_in=0,letters_of=0,members_of_slice=0,members_of=0,owner_of=0,confirm=0,named_by=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.whole(n)
  return string.format('%.0f', n)
end
function F.read_lengths(text)
  local lengths = {}
  for length, count in string.gmatch(text or '', '(%d+)=(%d+)') do
    lengths[length] = tonumber(count)
  end
  return lengths
end
function F.lengths_text(lengths)
  local parts = {}
  for length, count in pairs(lengths) do
    if count > 0 then parts[#parts + 1] = length .. '=' .. count end
  end
  table.sort(parts)
  return table.concat(parts, ' ')
end
local known_lengths, known_fence = nil, nil
local lease_changes = {}
function F.change_leases(length_ms, by)
  local key = F.whole(length_ms)
  lease_changes[key] = (lease_changes[key] or 0) + by
end
function F.forget_lease(length_ms)
  F.change_leases(length_ms, -1)
end
function F.save_lengths()
  local lengths, changed = nil, false
  for length, by in pairs(lease_changes) do
    if by ~= 0 then
      lengths = lengths or known_lengths or F.read_lengths(redis.call('HGET', META, 'lengths'))
      lengths[length], changed = (lengths[length] or 0) + by, true
    end
  end
  lease_changes, known_lengths = {}, nil
  if changed then redis.call('HSET', META, 'lengths', F.lengths_text(lengths)) end
end
local SHORTEST_KNOWN_MS = 1000
function F.shortest_of(lengths)
  local shortest = math.huge
  for length in pairs(lengths) do shortest = math.min(shortest, tonumber(length)) end
  return shortest < math.huge and shortest or SHORTEST_KNOWN_MS
end
function F.clamp_leases(now_ms, shortest)
  local after = '(' .. F.whole(math.floor(now_ms + shortest))
  local far = redis.call('ZRANGEBYSCORE', LEASES, after, '+inf', 'WITHSCORES', 'LIMIT', 0, 1000)
  for k = 1, #far, 2 do
    local length = tonumber(string.match(redis.call('HGET', LEASE, far[k]) or '', '^(%d+)|'))
    local latest = math.floor(now_ms + (length or shortest))
    if tonumber(far[k + 1]) > latest then redis.call('ZADD', LEASES, F.whole(latest), far[k]) end
  end
end
function F.note_time(now_ms)
  if redis.call('ZCARD', LEASES) == 0 then return 0, nil, {} end
  local m = redis.call('HMGET', META, 'noted', 'graceFrom', 'lengths', 'fence')
  local noted, from = tonumber(m[1]), tonumber(m[2] or '0')
  local lengths = F.read_lengths(m[3])
  known_lengths, known_fence = lengths, m[4]
  local shortest = F.shortest_of(lengths)
  local gap = noted and now_ms - noted or math.huge
  local this = math.floor(now_ms)
  if gap > shortest * 2 / 3 or gap < 0 then
    noted, from = this, this
    redis.call('HSET', META, 'noted', F.whole(this), 'graceFrom', F.whole(this))
    if gap < 0 then F.clamp_leases(now_ms, shortest) end
  elseif gap >= shortest / 3 then
    noted = this
    redis.call('HSET', META, 'noted', F.whole(this))
  end
  return from, noted + shortest / 3, lengths
end
function F.note_leases(now_ms, lease_ms, count)
  local _, next_note, lengths = F.note_time(now_ms)
  if not next_note then
    redis.call('HSET', META, 'noted', F.whole(math.floor(now_ms)), 'graceFrom', '0')
  elseif lease_ms < F.shortest_of(lengths) then
    redis.call('HSET', META, 'noted', F.whole(math.floor(now_ms)))
  end
  F.change_leases(lease_ms, count)
end
local NUMBER_SIZE = 16
local TWO_DIGITS = '00010203040506070809101112131415161718192021222324'
  .. '25262728293031323334353637383940414243444546474849'
  .. '50515253545556575859606162636465666768697071727374'
  .. '75767778798081828384858687888990919293949596979899'
local heads = {}
local rare_left, seen_rare = math.huge, {}
local BUNDLE_SIZE, SLICE_SIZE = 14, 20
local COUNTERS = 3
local LETTER_R, LETTER_A, LETTER_GONE, COLON = 114, 97, 45, 58
function F.bundles_of(t)
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
local SPELLED = '@00 @01 @02 @03 @04 @05 @06 @07 @08 @09 @10 @11 @12 @13 @14 @15 @16 @17 @18 @19 '
  .. '@20 @21 @22 @23 @24 @25 @26 @27 @28 @29 @30 @31 @32 @33 @34 @35 @36 @37 @38 @39 '
  .. '@40 @41 @42 @43 @44 @45 @46 @47 @48 @49 @50 @51 @52 @53 @54 @55 @56 @57 @58 @59 '
  .. '@60 @61 @62 @63 @64 @65 @66 @67 @68 @69 @70 @71 @72 @73 @74 @75 @76 @77 @78 @79 '
  .. '@80 @81 @82 @83 @84 @85 @86 @87 @88 @89 @90 @91 @92 @93 @94 @95 @96 @97 @98 @99'
function F.spelled(bundle, from, to)
  return (string.gsub(string.sub(SPELLED, 4 * from + 1, 4 * to + 3), '@', bundle))
end
function F.slice_in(entry)
  local bundle, from, to = string.match(entry, '^(%d+):(%d%d)%-(%d%d)$')
  if not bundle or #entry ~= SLICE_SIZE or from > to then return nil end
  return bundle, tonumber(from), tonumber(to)
end
function F.read_states(b, key, bundles)
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
function F.numbers_lettered(bundle, letters, letter, from, to)
  local numbers, sub, find = {}, string.sub, string.find
  local at, stop = find(letters, letter, (from or 0) + 1, true), (to or 99) + 1
  while at and at <= stop do
    numbers[#numbers + 1] = bundle .. sub(TWO_DIGITS, 2 * at - 1, 2 * at)
    at = find(letters, letter, at + 1, true)
  end
  return numbers
end
local FEW_WANTED = 3
local HANDED_MS, HANDED_LENGTH_MS = 2000, 10000
function F.is_handed(length)
  return string.byte(length) == 48
end
function F.parse_lease(fence, text)
  local a = text and string.find(text, '|', 1, true)
  local b = a and string.find(text, '|', a + 1, true)
  local c = b and string.find(text, '|', b + 1, true)
  if not c then return nil end
  local slice = c - b - 1 == SLICE_SIZE and { F.slice_in(string.sub(text, b + 1, c - 1)) } or nil
  if slice and not slice[1] then return nil end
  return {
    slice = slice, fence = fence, text = text, from = b + 1, to = c - 1, head = b, owner = a + 1,
    length = tonumber(string.sub(text, 1, a - 1)) or 0, handed = F.is_handed(text),
    task = string.sub(text, c + 1),
  }
end
function F.read_lease(fence, t)
  local lease = F.parse_lease(fence, redis.call('HGET', LEASE, fence))
  if lease and t and lease.task == t.name then lease.t = t end
  return lease
end
function F.numbers_in(text)
  local sub, numbers, n = string.sub, {}, 0
  for at = 1, #text, NUMBER_SIZE + 1 do
    n = n + 1
    numbers[n] = sub(text, at, at + NUMBER_SIZE - 1)
  end
  return numbers
end
function F.letters_of(lease)
  local t, bundle = lease.t, lease.slice[1]
  local b = t and F.bundles_of(t)
  if not b then return nil end
  F.read_states(b, t.bundles, { bundle })
  return b.states[bundle] or nil
end
function F.members_of_slice(lease)
  local letters = F.letters_of(lease)
  if not letters then return {} end
  return F.numbers_lettered(lease.slice[1], letters, 'a', lease.slice[2], lease.slice[3])
end
local FEW = 6
local MOST_LOOKED_AFTER = 50
function F.members_of(lease)
  if lease.slice then return F.members_of_slice(lease) end
  return F.numbers_in(string.sub(lease.text, lease.from, lease.to))
end
function F.owner_of(lease)
  return string.sub(lease.text, lease.owner, lease.head - 1)
end
local PIECE_BYTES = 8000
local MOST_BYTES_SEEN, LEASES_PER_PAGE, BYTES_PER_PAIR = 256 * 1024, 50, 50
local BYTES_PER_LEASE = 200
local OF_A_BUNDLE = '^%d+|[^|]*|(%d+):%d%d%-%d%d|'
local now_ms = now_us() / 1000
local count = tonumber(ARGV[1])
local lost, cancelled, held = {}, {}, {}
F.note_time(now_ms)
local marks, speaks = redis.call('HLEN', CANCELS) > 0, #ARGV > 1 + count
redis.call('EXPIRE', SESSION, 86400)
function F.confirm(lease, length)
  F.forget_lease(lease.length)
  F.note_leases(now_ms, length, 1)
  lease.length = length
  redis.call('HSET', LEASE, lease.fence, table.concat({
    F.whole(length), F.owner_of(lease), string.sub(lease.text, lease.from, lease.to), lease.task,
  }, '|'))
end
function F.named_by(lease)
  local slice = lease.slice
  return slice and F.numbers_in(F.spelled(slice[1], slice[2], slice[3])) or F.members_of(lease)
end
for k = 1, count do
  local fence, length = string.match(ARGV[1 + k], '^(%d+):?(%d*)$')
  local lease = F.read_lease(fence)
  if lease and lease.handed then F.confirm(lease, tonumber(length) or lease.length) end
  if not lease then
    lost[#lost + 1] = fence
  else
    redis.call('ZADD', LEASES, F.whole(math.floor(now_ms + lease.length)), lease.fence)
    local numbers = (marks or speaks) and F.named_by(lease) or {}
    local marked = marks and #numbers > 0 and redis.call('HMGET', CANCELS, unpack(numbers)) or {}
    for at, number in ipairs(numbers) do
      held[number] = true
      if marked[at] then
        cancelled[#cancelled + 1] = lease.fence
        cancelled[#cancelled + 1] = number
      end
    end
  end
end
for k = 2 + count, #ARGV, 2 do
  if held[ARGV[k]] then redis.call('HSET', PROGRESS, ARGV[k], ARGV[k + 1]) end
end
F.save_lengths()
return { lost, cancelled }
`,
  },
  "respread": {
    sha1: "1b054c531cb0520d80a42347e739c78fae7fb0e4",
    text: `#!lua flags=allow-oom
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local answer = {}
for k = 2, #ARGV, 2 do
  local field, over = 'spread ' .. ARGV[k], ARGV[k + 1]
  if redis.call('HSETNX', META, field, over) == 1 then
    redis.call('HINCRBY', META, 'spreads', 1)
  end
  answer[#answer + 1] = redis.call('HGET', META, field)
end
if ARGV[1] ~= '' then redis.call('HSET', META, 'spreadsOf', ARGV[1]) end
return answer
`,
  },
  "resync": {
    sha1: "ed76c04d093c94587dd6b3d6f81822ad14e1df5c",
    text: `#!lua flags=allow-oom
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local KEPT_ANSWERS = 4
local lane, epoch = ARGV[1], ARGV[2]
local stored = redis.call('HGET', SESSION, lane .. ':epoch')
if stored and tonumber(stored) > tonumber(epoch) then
  return redis.error_reply('SMQEPOCH a later epoch is open')
end
local known = stored and tonumber(stored) == tonumber(epoch) - 1 and '1' or '0'
if stored ~= epoch then
  local last = redis.call('HGET', SESSION, lane .. ':seq') or '0'
  redis.call('HSET', SESSION, lane .. ':epoch', epoch, lane .. ':seq', '0')
  redis.call('HSET', SESSION, lane .. ':last', last, lane .. ':known', known)
  local ttl_s = lane == 'push' and 3600 or 86400
  if redis.call('TTL', SESSION) < ttl_s then redis.call('EXPIRE', SESSION, ttl_s) end
else
  known = redis.call('HGET', SESSION, lane .. ':known') or '0'
end
local reply = { known, redis.call('HGET', SESSION, lane .. ':last') or '0' }
for k = 0, KEPT_ANSWERS - 1 do
  reply[#reply + 1] = redis.call('HGET', SESSION, lane .. ':answer' .. k) or ''
end
return reply
`,
  },
  "schedule": {
    sha1: "8ec42ecd4b1d4c1f98c650629a170d8d6e3138e7",
    text: `#!lua flags=allow-oom
local F = {whole=0,stamp=0,group_of=0,member_of=0,parse_schedule=0,describe_schedule=0,parse_sets=0,read_registrations=0,parse_offers=0,offer_of=0,view_schedule=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.whole(n)
  return string.format('%.0f', n)
end
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
function F.stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end
function F.group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end
function F.member_of(s)
  return s.wake and F.group_of(s) .. F.stamp(s.wake) .. s.id or nil
end
function F.parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = F.member_of(s), F.group_of(s)
  return s
end
local touched = {}
function F.describe_schedule(s, registered_until)
  local function text(n) return n and F.whole(n) or '' end
  local numbers = table.concat({
    F.whole(s.revision), s.code and '1' or '0', tostring(s.overlap), s.is_local and '1' or '0',
    F.whole(s.jitter), F.whole(s.generation), s.digest, text(s.next_at), F.whole(s.decided),
    F.whole(s.fired), text(s.paused_at), text(s.paused_until), s.orphaned and '1' or '0',
    text(registered_until),
  }, ',')
  return { s.id, s.task, s.definition, numbers, s.reason }
end
local MOST_SETS, SETS_REMEMBERED_MS = 200, 31 * 86400000
function F.parse_sets(text)
  local ends = {}
  for set, at in string.gmatch(text or '', '(%S+)=(%d+)') do ends[set] = tonumber(at) end
  return ends
end
function F.read_registrations()
  local m = redis.call('HMGET', META, 'sets', 'setsGrace')
  return { ends = F.parse_sets(m[1]), grace = tonumber(m[2] or '0') }
end
local MOST_OFFERS, MOST_SETS_PER_OFFER = 10, 30
function F.parse_offers(text)
  local offers = {}
  for digest, generation, at, sets in string.gmatch(text or '', '(%S+) (%d+) (%d+)([^\\n]*)') do
    local offer = {
      digest = digest, generation = tonumber(generation), at = tonumber(at), sets = {},
    }
    for set in string.gmatch(sets, '%S+') do offer.sets[#offer.sets + 1] = set end
    offers[#offers + 1] = offer
  end
  return offers
end
function F.offer_of(offers, digest)
  for _, offer in ipairs(offers) do
    if offer.digest == digest then return offer end
  end
end
local function registered_until(s, offers, r)
  if not s.code then return nil end
  local offer, latest = F.offer_of(offers, s.digest), nil
  if not offer then return nil end
  for _, set in ipairs(offer.sets) do
    if r.ends[set] then latest = math.max(latest or 0, r.ends[set]) end
  end
  return latest and math.max(latest, r.grace) or offer.at
end
function F.view_schedule(id, registrations)
  local f = redis.call('HMGET', SCHEDULES,
    'd' .. id, 's' .. id, 'g' .. id, 'p' .. id, 'o' .. id, 'b' .. id)
  if not f[1] then return nil end
  local s = F.parse_schedule(id, f[1], f[2])
  local view = F.describe_schedule(s, registered_until(s, F.parse_offers(f[3]), registrations))
  view[6], view[7], view[8], view[9] = f[4] or '', s.head, f[5] or '', f[6] or ''
  return view, #f[1] + #view[6] + #view[8] + #view[9]
end
local id = ARGV[1]
local view = F.view_schedule(id, F.read_registrations())
if not view then return {} end
local ledger = redis.call('HMGET', SCHEDULES, 'f' .. id, 'u' .. id)
view[#view + 1], view[#view + 2] = ledger[1] or '', ledger[2] or ''
return { F.whole(math.floor(now_us() / 1000)), unpack(view) }
`,
  },
  "schedules": {
    sha1: "db2b68c5d8919319c14840bed264018653c3dda4",
    text: `#!lua flags=allow-oom
local F = {whole=0,stamp=0,group_of=0,member_of=0,parse_schedule=0,read_schedule=0,describe_schedule=0,parse_sets=0,read_registrations=0,parse_offers=0,offer_of=0,view_schedule=0,is_wanted=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.whole(n)
  return string.format('%.0f', n)
end
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
function F.stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end
function F.group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end
function F.member_of(s)
  return s.wake and F.group_of(s) .. F.stamp(s.wake) .. s.id or nil
end
function F.parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = F.member_of(s), F.group_of(s)
  return s
end
function F.read_schedule(id)
  local texts = redis.call('HMGET', SCHEDULES, 'd' .. id, 's' .. id)
  return texts[1] and F.parse_schedule(id, texts[1], texts[2]) or nil
end
local touched = {}
function F.describe_schedule(s, registered_until)
  local function text(n) return n and F.whole(n) or '' end
  local numbers = table.concat({
    F.whole(s.revision), s.code and '1' or '0', tostring(s.overlap), s.is_local and '1' or '0',
    F.whole(s.jitter), F.whole(s.generation), s.digest, text(s.next_at), F.whole(s.decided),
    F.whole(s.fired), text(s.paused_at), text(s.paused_until), s.orphaned and '1' or '0',
    text(registered_until),
  }, ',')
  return { s.id, s.task, s.definition, numbers, s.reason }
end
local MOST_SETS, SETS_REMEMBERED_MS = 200, 31 * 86400000
function F.parse_sets(text)
  local ends = {}
  for set, at in string.gmatch(text or '', '(%S+)=(%d+)') do ends[set] = tonumber(at) end
  return ends
end
function F.read_registrations()
  local m = redis.call('HMGET', META, 'sets', 'setsGrace')
  return { ends = F.parse_sets(m[1]), grace = tonumber(m[2] or '0') }
end
local MOST_OFFERS, MOST_SETS_PER_OFFER = 10, 30
function F.parse_offers(text)
  local offers = {}
  for digest, generation, at, sets in string.gmatch(text or '', '(%S+) (%d+) (%d+)([^\\n]*)') do
    local offer = {
      digest = digest, generation = tonumber(generation), at = tonumber(at), sets = {},
    }
    for set in string.gmatch(sets, '%S+') do offer.sets[#offer.sets + 1] = set end
    offers[#offers + 1] = offer
  end
  return offers
end
function F.offer_of(offers, digest)
  for _, offer in ipairs(offers) do
    if offer.digest == digest then return offer end
  end
end
local function registered_until(s, offers, r)
  if not s.code then return nil end
  local offer, latest = F.offer_of(offers, s.digest), nil
  if not offer then return nil end
  for _, set in ipairs(offer.sets) do
    if r.ends[set] then latest = math.max(latest or 0, r.ends[set]) end
  end
  return latest and math.max(latest, r.grace) or offer.at
end
function F.view_schedule(id, registrations)
  local f = redis.call('HMGET', SCHEDULES,
    'd' .. id, 's' .. id, 'g' .. id, 'p' .. id, 'o' .. id, 'b' .. id)
  if not f[1] then return nil end
  local s = F.parse_schedule(id, f[1], f[2])
  local view = F.describe_schedule(s, registered_until(s, F.parse_offers(f[3]), registrations))
  view[6], view[7], view[8], view[9] = f[4] or '', s.head, f[5] or '', f[6] or ''
  return view, #f[1] + #view[6] + #view[8] + #view[9]
end
local MOST_BYTES, MOST_SHOWN, MOST_READ = 4 * 1024 * 1024, 50, 100
local last, limit, task = ARGV[1], math.min(tonumber(ARGV[2]), MOST_SHOWN), ARGV[3]
local registrations = F.read_registrations()
local page, bytes, place = {}, 0, last
function F.is_wanted(id)
  if task == '' then return true end
  local s = F.read_schedule(id)
  return s and s.task == task
end
local want = task == '' and limit or MOST_READ
local from = last == '' and '[n' or '(' .. last
local names = redis.call('ZRANGEBYLEX', CURSORS, from, '(o', 'LIMIT', 0, want)
local seen = 0
for _, name in ipairs(names) do
  if #page >= limit or bytes >= MOST_BYTES then break end
  local id = string.sub(name, 2)
  if F.is_wanted(id) then
    local view, size = F.view_schedule(id, registrations)
    page[#page + 1] = view
    bytes = bytes + (size or 0)
  end
  seen, place = seen + 1, name
end
local more = seen < #names or #names == want
return { F.whole(math.floor(now_us() / 1000)), more and place or '', unpack(page) }
`,
  },
  "spread": {
    sha1: "1973a22824ea86d2dd3302ba8c5613b1eca68fec",
    text: `#!lua flags=allow-oom
local F = {task_keys=0}
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], claimed = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17], bundles = KEYS[b + 18],
  }
end
local count, fields, answer = tonumber(ARGV[1]), {}, {}
for k = 1, count do fields[k] = 'spread ' .. ARGV[1 + k] end
local known = redis.call('HMGET', META, unpack(fields))
for k = 1, count do
  local wish = ARGV[1 + count + k]
  answer[k] = known[k] or ''
  if not known[k] and wish ~= '' then
    local t = F.task_keys(k, ARGV[1 + k])
    if wish ~= '1' and redis.call('EXISTS', t.ids) == 1 then
      answer[k] = 'used'
    else
      redis.call('HSET', META, fields[k], wish)
      if wish ~= '1' then redis.call('HINCRBY', META, 'spreads', 1) end
      answer[k] = wish
    end
  end
end
return answer
`,
  },
  "spreads": {
    sha1: "d4a7a2bab3d50460c8be5d7a8781113d42d9572e",
    text: `#!lua flags=allow-oom
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local field, news = 'spreads ' .. ARGV[1], false
local known = cjson.decode(redis.call('HGET', META, field) or '{}')
for k = 2, #ARGV, 2 do
  local task, over = ARGV[k], ARGV[k + 1]
  if known[task] ~= over then known[task], news = over, true end
end
if news then redis.call('HSET', META, field, cjson.encode(known)) end
local told = {}
for task, over in pairs(known) do
  told[#told + 1], told[#told + 2] = task, over
end
return told
`,
  },
  "tend": {
    sha1: "3978d5a92437b8b5df0baa6fc3be1a5d4c9ea1f1",
    text: `#!lua flags=allow-oom
local F = {whole=0,stamp=0,group_of=0,wake_of=0,member_of=0,parse_schedule=0,touch=0,write_state=0,refresh_group=0,refresh_groups=0,describe_schedule=0,read_parcels=0,may_be_taken=0,forget_left=0,parcel_revision=0,parse_sets=0,read_registrations=0,raise_registrations=0,parse_offers=0,offer_of=0,is_doubtful=0,mend_index=0,tend=0,walk_names=0,walk_definitions=0,is_key_lost=0,begin_anew=0,is_time=0,old_parcels=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.whole(n)
  return string.format('%.0f', n)
end
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
function F.stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end
function F.group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end
function F.wake_of(s)
  if not s.next_at or (s.paused_at and not s.paused_until) then return nil end
  local due = s.next_at + s.jitter
  return s.paused_at and math.max(s.paused_until, due) or due
end
function F.member_of(s)
  return s.wake and F.group_of(s) .. F.stamp(s.wake) .. s.id or nil
end
function F.parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = F.member_of(s), F.group_of(s)
  return s
end
local touched = {}
function F.touch(group)
  if touched[group] == nil then
    touched[group] = tonumber(redis.call('ZSCORE', FIRING, group) or nil) or false
  end
end
function F.write_state(s)
  s.wake = F.wake_of(s)
  local member, group = F.member_of(s), F.group_of(s)
  local function text(n) return n and F.whole(n) or '-' end
  redis.call('HSET', SCHEDULES, 's' .. s.id, table.concat({
    text(s.next_at), text(s.wake), F.whole(s.decided), F.whole(s.fired), text(s.paused_at),
    text(s.paused_until), s.orphaned and '1' or '0', s.reason,
  }, ' '))
  if member == s.member then return end
  if s.member then
    F.touch(s.group)
    redis.call('ZREM', CURSORS, s.member)
  end
  if member then
    F.touch(group)
    redis.call('ZADD', CURSORS, 0, member)
  end
  if not (s.member and member) then
    redis.call('HINCRBY', META, 'cursors', member and 1 or -1)
  end
  s.member, s.group = member, group
end
function F.refresh_group(group)
  local first =
    redis.call('ZRANGEBYLEX', CURSORS, '[' .. group, '(' .. group .. ':', 'LIMIT', 0, 1)[1]
  if not first then
    redis.call('ZREM', FIRING, group)
    return nil
  end
  local at = tonumber(string.sub(first, #group + 1, #group + 16))
  redis.call('ZADD', FIRING, F.whole(at), group)
  return at
end
function F.refresh_groups(nearer)
  for group, before in pairs(touched) do
    local at = F.refresh_group(group)
    if nearer and at and (not before or at < before) then nearer(group) end
  end
  touched = {}
end
function F.describe_schedule(s, registered_until)
  local function text(n) return n and F.whole(n) or '' end
  local numbers = table.concat({
    F.whole(s.revision), s.code and '1' or '0', tostring(s.overlap), s.is_local and '1' or '0',
    F.whole(s.jitter), F.whole(s.generation), s.digest, text(s.next_at), F.whole(s.decided),
    F.whole(s.fired), text(s.paused_at), text(s.paused_until), s.orphaned and '1' or '0',
    text(registered_until),
  }, ',')
  return { s.id, s.task, s.definition, numbers, s.reason }
end
local TAKEN_IN_MS = 30000
local parcels = nil
function F.read_parcels()
  if parcels then return parcels end
  parcels = cjson.decode(redis.call('HGET', SCHEDULES, 'X') or '{}')
  for id, one in pairs(parcels) do
    if type(one) == 'number' then one = { one, '' } end
    if type(one[3]) ~= 'table' then one[3] = { one[3] or 0, one[1] } end
    one[4] = one[4] or one[1]
    parcels[id] = one
  end
  return parcels
end
function F.may_be_taken(given_at, now_ms)
  return math.abs(now_ms - given_at) < TAKEN_IN_MS
end
function F.forget_left(most, now_ms)
  local m = redis.call('HMGET', META, 'leftFrom', 'leftTo')
  local from, to = tonumber(m[1] or '0'), tonumber(m[2] or '0')
  if to == 0 then return end
  local last = math.min(from + most, to)
  while from < last do
    local place = 'leftAs ' .. F.whole(from + 1)
    local at, id = string.match(redis.call('HGET', META, place) or '', '^(%d+) (.*)$')
    if at and F.may_be_taken(tonumber(at), now_ms) then break end
    redis.call('HDEL', META, place)
    if id and redis.call('HGET', META, 'left ' .. id) == at then
      redis.call('HDEL', META, 'left ' .. id)
    end
    from = from + 1
  end
  if from == to then
    redis.call('HDEL', META, 'leftFrom', 'leftTo')
  else
    redis.call('HSET', META, 'leftFrom', F.whole(from))
  end
end
function F.parcel_revision(id)
  return tonumber(string.match(redis.call('HGET', SCHEDULES, 'D' .. id) or '', '^%d+')) or 0
end
local MOST_SETS, SETS_REMEMBERED_MS = 200, 31 * 86400000
function F.parse_sets(text)
  local ends = {}
  for set, at in string.gmatch(text or '', '(%S+)=(%d+)') do ends[set] = tonumber(at) end
  return ends
end
function F.read_registrations()
  local m = redis.call('HMGET', META, 'sets', 'setsGrace')
  return { ends = F.parse_sets(m[1]), grace = tonumber(m[2] or '0') }
end
function F.raise_registrations()
  redis.call('HINCRBY', META, 'registrations', 1)
end
local MOST_OFFERS, MOST_SETS_PER_OFFER = 10, 30
function F.parse_offers(text)
  local offers = {}
  for digest, generation, at, sets in string.gmatch(text or '', '(%S+) (%d+) (%d+)([^\\n]*)') do
    local offer = {
      digest = digest, generation = tonumber(generation), at = tonumber(at), sets = {},
    }
    for set in string.gmatch(sets, '%S+') do offer.sets[#offer.sets + 1] = set end
    offers[#offers + 1] = offer
  end
  return offers
end
function F.offer_of(offers, digest)
  for _, offer in ipairs(offers) do
    if offer.digest == digest then return offer end
  end
end
local function registered_until(s, offers, r)
  if not s.code then return nil end
  local offer, latest = F.offer_of(offers, s.digest), nil
  if not offer then return nil end
  for _, set in ipairs(offer.sets) do
    if r.ends[set] then latest = math.max(latest or 0, r.ends[set]) end
  end
  return latest and math.max(latest, r.grace) or offer.at
end
local PIECE, PIECE_BYTES, PAUSE_MS, DOUBT_MS = 60, 4 * 1024 * 1024, 50000, 60000
local PARCEL_MS, MOST_PARCELS, MOST_LEFT = 60000, 20, 300
local urgent, now_ms = ARGV[1] == '1', now_us() / 1000
local this = math.floor(now_ms)
local registrations = F.read_registrations()
local doubtful, compared = {}, {}
function F.is_doubtful(s, til)
  if s.lost then return true end
  return s.code and not (s.paused_at and s.orphaned) and (til or 0) < now_ms - DOUBT_MS
end
function F.mend_index(s)
  local right = F.wake_of(s)
  if not s.lost and right ~= s.wake then F.write_state(s) end
  if not s.wake then return end
  if not redis.call('ZSCORE', CURSORS, s.member) then
    F.touch(s.group)
    redis.call('ZADD', CURSORS, 0, s.member)
    return
  end
  local first = tonumber(redis.call('ZSCORE', FIRING, s.group) or nil)
  if not first or first > s.wake then F.touch(s.group) end
end
function F.tend(id, d)
  local f = redis.call('HMGET', SCHEDULES, 's' .. id, 'g' .. id)
  local s = F.parse_schedule(id, d, f[1])
  F.mend_index(s)
  compared[#compared + 1], compared[#compared + 2] = id, F.whole(s.revision)
  local til = registered_until(s, F.parse_offers(f[2]), registrations)
  if F.is_doubtful(s, til) then doubtful[#doubtful + 1] = F.describe_schedule(s, til) end
end
function F.walk_names()
  local place = redis.call('HGET', META, 'tendFrom') or ''
  local from = place == '' and '[n' or '(' .. place
  local names = redis.call('ZRANGEBYLEX', CURSORS, from, '(o', 'LIMIT', 0, PIECE)
  for _, name in ipairs(names) do
    local id = string.sub(name, 2)
    local d = redis.call('HGET', SCHEDULES, 'd' .. id)
    if d then F.tend(id, d) else redis.call('ZREM', CURSORS, name) end
  end
  local last = #names == PIECE and names[PIECE] or ''
  redis.call('HSET', META, 'tendFrom', last, 'tendAt', F.whole(this))
end
function F.walk_definitions()
  local place, seen, bytes = redis.call('HGET', META, 'mendFrom') or '0', 0, 0
  local met = {}
  repeat
    local found = redis.call('HSCAN', SCHEDULES, place, 'COUNT', 30)
    place = found[1]
    for k = 1, #found[2], 2 do
      local field, text = found[2][k], found[2][k + 1]
      bytes = bytes + #text
      if string.sub(field, 1, 1) == 'd' and not met[field] then
        local id = string.sub(field, 2)
        met[field], seen = true, seen + 1
        redis.call('ZADD', CURSORS, 0, 'n' .. id)
        F.tend(id, text)
      end
    end
  until place == '0' or seen >= PIECE or bytes >= PIECE_BYTES
  if place ~= '0' then
    redis.call('HSET', META, 'mendFrom', place)
    return true
  end
  redis.call('HDEL', META, 'mendFrom')
  local names = redis.call('ZLEXCOUNT', CURSORS, '[n', '(o')
  local wakes = redis.call('ZCARD', CURSORS) - names
  redis.call('HSET', META, 'schedules', names, 'cursors', wakes)
  return false
end
function F.is_key_lost()
  if redis.call('EXISTS', SCHEDULES) == 1 then return false end
  local counts = redis.call('HMGET', META, 'schedules', 'cursors')
  return redis.call('EXISTS', CURSORS, FIRING) > 0
    or tonumber(counts[1] or '0') > 0 or tonumber(counts[2] or '0') > 0
end
function F.begin_anew()
  redis.call('DEL', CURSORS, FIRING)
  redis.call('HSET', META, 'schedules', 0, 'cursors', 0)
  redis.call('HDEL', META, 'mendFrom')
  F.raise_registrations()
end
function F.is_time()
  local at = tonumber(redis.call('HGET', META, 'tendAt') or nil)
  return not at or at > now_ms or now_ms - at >= PAUSE_MS
end
function F.old_parcels()
  local old = {}
  for id, parcel in pairs(F.read_parcels()) do
    local at = parcel[1]
    if #old < MOST_PARCELS and (now_ms - at >= PARCEL_MS or at > now_ms) then
      old[#old + 1] = { id, F.whole(at), F.whole(parcel[4]), F.whole(F.parcel_revision(id)) }
    end
  end
  return old
end
local more = false
if urgent and F.is_key_lost() then
  F.begin_anew()
elseif urgent then
  more = F.walk_definitions()
elseif F.is_time() then
  F.walk_names()
end
F.refresh_groups(nil)
F.forget_left(MOST_LEFT, now_ms)
return { F.whole(this), more and '1' or '0', F.old_parcels(), compared, unpack(doubtful) }
`,
  },
  "trigger": {
    sha1: "ec8e61180d6b053c97f55e0e49decefc7c837036",
    text: `#!lua
local F = {task_keys=0,whole=0,exact=0,digits=0,raised=0,take_numbers=0,wake_one=0,exists=0,written=0,packed=0,record_of_later=0,is_later=0,due_of_later=0,drop_later=0,head_of=0,priority_of=0,last_in_line=0,join=0,put_all_later=0,put_later=0,keep_rules=0,bound=0,bound_later=0,save_bounds=0,remember_ends=0,ended_text=0,end_job=0,due_of=0,known_text=0,name_job=0,save_job=0,bundles_of=0,slice_in=0,read_states=0,set_states=0,save_bundles=0,text_between=0,read_text=0,place_in_bundle=0,read_states_of=0,records_in=0,record_in=0,by_bundle=0,leave_bundles=0,single_out=0,is_handed=0,parse_lease=0,read_lease=0,letters_of=0,place_in_slice=0,owner_of=0,find_member=0,place_of_member=0,without_cuts=0,lease_of=0,mark_cancelled=0,end_waiting=0,stamp=0,group_of=0,wake_of=0,member_of=0,parse_schedule=0,read_schedule=0,touch=0,write_state=0,lines_of=0,load_fired=0,note_fired=0,note_passed=0,pass_one=0,write_lines=0,write_ledger=0,occurrence_of=0,text_of=0,write_text=0,waiting_in=0,cut_first=0,number_in=0,load_overlap=0,has_open=0,joined=0,write_overlap=0,json_id=0,record_of=0,make_job=0,release=0,cancel_open=0,give_up_waiting=0,fire_occurrence=0,save_ends=0,is_waiting=0,asked_before=0,trigger=0,note_decided=0}
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], claimed = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17], bundles = KEYS[b + 18],
  }
end
function F.whole(n)
  return string.format('%.0f', n)
end
function F.exact(ms)
  return string.format('%.3f', ms)
end
local NUMBER_SIZE = 16
function F.digits(n)
  return string.format('%016.0f', n)
end
function F.raised(field, last, count, now)
  local first = math.max(last + 1, now)
  redis.call('HSET', META, field, F.digits(first + count - 1))
  return first
end
function F.take_numbers(field, count, now)
  return F.raised(field, tonumber(redis.call('HGET', META, field) or '0'), count, now)
end
local TWO_DIGITS = '00010203040506070809101112131415161718192021222324'
  .. '25262728293031323334353637383940414243444546474849'
  .. '50515253545556575859606162636465666768697071727374'
  .. '75767778798081828384858687888990919293949596979899'
local heads = {}
local MOST_DEAD = 200
function F.wake_one(t)
  for _ = 1, MOST_DEAD do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return false end
    if redis.call('PUBLISH', CHANNEL .. sleeper, 't' .. t.name) > 0 then return true end
  end
  return false
end
local rare_left, seen_rare = math.huge, {}
function F.exists(key)
  if seen_rare[key] ~= nil then return seen_rare[key] end
  if rare_left == 0 then return false end
  seen_rare[key] = redis.call('EXISTS', key) == 1
  if seen_rare[key] then rare_left = rare_left - 1 end
  return seen_rare[key]
end
function F.written(key)
  seen_rare[key] = true
end
local PACKED_FROM, PACKED_BELOW = 1750000000000000, 1750000000000000 + 254 * 2 ^ 40
function F.packed(number)
  local n = tonumber(number) or 0
  if n < PACKED_FROM then return '\\0' .. number end
  if n >= PACKED_BELOW then return '\\255' .. number end
  n = n - PACKED_FROM
  local f = n % 256
  n = (n - f) / 256
  local e = n % 256
  n = (n - e) / 256
  local d = n % 256
  n = (n - d) / 256
  local c = n % 256
  n = (n - c) / 256
  local b = n % 256
  return string.char((n - b) / 256 + 1, b, c, d, e, f)
end
function F.record_of_later(t, number)
  return redis.call('HGET', t.later, F.packed(number))
end
function F.is_later(t, number)
  return redis.call('HEXISTS', t.later, F.packed(number)) == 1
end
function F.due_of_later(t, number)
  return redis.call('ZSCORE', t.due, F.packed(number))
end
function F.drop_later(t, number)
  local name = F.packed(number)
  redis.call('HDEL', t.later, name)
  redis.call('ZREM', t.due, name)
end
function F.head_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return {} end
  local ok, head = pcall(cjson.decode, string.sub(record, 1, stop - 1))
  return ok and type(head) == 'table' and head or {}
end
function F.priority_of(record)
  if not string.find(record, '"p":', 1, true) then return '0' end
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return '0' end
  return string.match(string.sub(record, 1, stop - 1), '"p":(-?%d+)') or '0'
end
local ALONE_AFTER = 3
function F.last_in_line(number, order)
  return order == number and '1' .. number or '1' .. order .. ':' .. number
end
function F.join(t, number, priority, row, now, order)
  if row >= ALONE_AFTER then
    F.written(t.alone)
    redis.call('RPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('RPUSH', t.ready, number)
  else
    F.written(t.prio)
    order = order or F.digits(F.take_numbers('number', 1, now))
    redis.call('ZADD', t.prio, priority, F.last_in_line(number, order))
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
function F.put_all_later(t, numbers, records, dues)
  local fields, index, soonest, before = {}, {}, math.huge, nil
  for k, number in ipairs(numbers) do
    local name, due = F.packed(number), dues[k]
    fields[2 * k - 1], fields[2 * k] = name, records[k]
    index[2 * k - 1], index[2 * k] = due, name
    if due ~= before then soonest, before = math.min(soonest, tonumber(due)), due end
  end
  F.written(t.due)
  redis.call('HSET', t.later, unpack(fields))
  redis.call('ZADD', t.due, unpack(index))
  if redis.call('ZADD', MOMENTS, 'LT', 'CH', F.exact(soonest), t.name) > 0 then F.wake_one(t) end
end
function F.put_later(t, number, record, due_ms)
  F.put_all_later(t, { number }, { record }, { due_ms })
end
function F.keep_rules(i)
  return {
    idMs = tonumber(ARGV[i]), idCount = tonumber(ARGV[i + 1]),
    completed = { tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]) },
    dead = { tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]) },
    cancelled = { tonumber(ARGV[i + 6]), tonumber(ARGV[i + 7]) },
  }
end
local KEEP_ARGS = 8
local STATE_LETTER = { completed = 'c', dead = 'd', cancelled = 'x' }
function F.bound(index, hash, count, stats, most)
  local over = redis.call('ZCARD', index) - count
  if over <= 0 then return end
  local oldest = redis.call('ZPOPMIN', index, math.min(over, most))
  local names = {}
  for k = 1, #oldest, 2 do names[#names + 1] = oldest[k] end
  redis.call('HDEL', hash, unpack(names))
  redis.call('HINCRBY', stats, 'dropped', #oldest / 2)
end
local SURPLUS_PER_CALL = 20
local added_to = {}
function F.bound_later(index, hash, count, stats, added)
  local known = added_to[index]
  if known then
    known.added = known.added + added
  else
    added_to[index] = { hash = hash, count = count, stats = stats, added = added }
  end
end
function F.save_bounds()
  for index, a in pairs(added_to) do
    F.bound(index, a.hash, a.count, a.stats, a.added + SURPLUS_PER_CALL)
  end
  added_to = {}
end
function F.remember_ends(t, ids, numbers, state, keep, now_ms)
  local named, owners = {}, {}
  for k, id in ipairs(ids) do
    if id ~= '' then named[#named + 1], owners[#named + 1] = id, numbers[k] end
  end
  if #named == 0 then return end
  local entries, ours = redis.call('HMGET', t.ids, unpack(named)), {}
  local letter, kept_ms = ':' .. STATE_LETTER[state], keep[state][2] > 0 and keep[state][1] or 0
  local fields, index, til = {}, {}, F.whole(math.floor(now_ms) + math.max(keep.idMs, kept_ms))
  for k, id in ipairs(named) do
    local number, entry = owners[k], entries[k]
    if not entry or entry == number or string.match(entry, '^%d+') == number then
      local n = #ours + 1
      ours[n], fields[2 * n - 1], fields[2 * n] = id, id, number .. letter
      index[2 * n - 1], index[2 * n] = til, id
    end
  end
  if #ours == 0 then return end
  if math.max(keep.idMs, kept_ms) <= 0 then
    redis.call('HDEL', t.ids, unpack(ours))
    return
  end
  redis.call('HSET', t.ids, unpack(fields))
  redis.call('ZADD', t.idends, unpack(index))
  F.bound_later(t.idends, t.ids, keep.idCount, t.stats, #ours)
end
function F.ended_text(letter, at, counts, detail, record)
  return letter .. '|' .. at .. '|' .. (counts or '') .. '|' .. detail .. '\\n' .. record
end
function F.end_job(t, number, state, id, detail, keep, now_ms, record)
  now_ms = math.floor(now_ms)
  local rule = keep[state]
  if rule[2] > 0 then
    record = record or redis.call('HGET', t.jobs, number)
    if record then
      local at, counts = F.whole(now_ms), F.exists(t.tries) and redis.call('HGET', t.tries, number)
      local text = F.ended_text(STATE_LETTER[state], at, counts, detail, record)
      redis.call('HSET', t.ended, number, text)
      redis.call('ZADD', t[state], at, number)
      F.bound_later(t[state], t.ended, rule[2], t.stats, 1)
    end
  end
  redis.call('HDEL', t.jobs, number)
  redis.call('SREM', t.claimed, number)
  if F.exists(t.tries) and redis.call('HDEL', t.tries, number) == 1 then
    redis.call('HDEL', t.errors, number)
  end
  if F.exists(CANCELS) then redis.call('HDEL', CANCELS, number) end
  if F.exists(PROGRESS) then redis.call('HDEL', PROGRESS, number) end
  redis.call('HINCRBY', t.stats, state, 1)
  if id ~= '' then F.remember_ends(t, { id }, { number }, state, keep, now_ms) end
end
local function known(t, id, now_ms)
  local entry = redis.call('HGET', t.ids, id)
  if not entry then return nil end
  local number, ended = string.match(entry, '^(%d+):?(%a?)$')
  if ended ~= '' then
    local til = tonumber(redis.call('ZSCORE', t.idends, id) or '0')
    if til <= now_ms then return nil end
    return number, ended, ''
  end
  if redis.call('SISMEMBER', t.claimed, number) == 1 then return number, 'a', '' end
  if redis.call('HEXISTS', t.jobs, number) == 1 then return number, 'r', '' end
  local due = F.due_of_later(t, number)
  if due then return number, 's', due end
  return nil
end
function F.due_of(text, now_ms)
  if text == '' then return nil end
  local ms = tonumber(string.sub(text, 2))
  if string.sub(text, 1, 1) == '+' then ms = now_ms + ms end
  if ms <= now_ms then return nil end
  return F.exact(math.ceil(ms * 1000) / 1000)
end
function F.known_text(t, id, now_ms)
  local there, state, due = known(t, id, now_ms)
  return there and there .. ',0,' .. state .. ',' .. due or nil
end
function F.name_job(t, id, number)
  redis.call('HSET', t.ids, id, number)
  redis.call('ZREM', t.idends, id)
end
function F.save_job(t, number, job, now_ms)
  if job.id ~= '' then
    local there = F.known_text(t, job.id, now_ms)
    if there then return there, false end
    F.name_job(t, job.id, number)
  end
  redis.call('HINCRBY', t.stats, 'pushed', 1)
  local due = F.due_of(job.due, now_ms)
  if due then
    F.put_later(t, number, job.record, due)
    return number .. ',1,s,' .. due, false
  end
  redis.call('HSET', t.jobs, number, job.record)
  F.join(t, number, job.priority, 0, nil, number)
  return number .. ',1,r,', true
end
local BUNDLE_SIZE, SLICE_SIZE = 14, 20
local COUNTERS = 3
local LETTER_R, LETTER_A, LETTER_GONE, COLON = 114, 97, 45, 58
function F.bundles_of(t)
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
local SPELLED = '@00 @01 @02 @03 @04 @05 @06 @07 @08 @09 @10 @11 @12 @13 @14 @15 @16 @17 @18 @19 '
  .. '@20 @21 @22 @23 @24 @25 @26 @27 @28 @29 @30 @31 @32 @33 @34 @35 @36 @37 @38 @39 '
  .. '@40 @41 @42 @43 @44 @45 @46 @47 @48 @49 @50 @51 @52 @53 @54 @55 @56 @57 @58 @59 '
  .. '@60 @61 @62 @63 @64 @65 @66 @67 @68 @69 @70 @71 @72 @73 @74 @75 @76 @77 @78 @79 '
  .. '@80 @81 @82 @83 @84 @85 @86 @87 @88 @89 @90 @91 @92 @93 @94 @95 @96 @97 @98 @99'
function F.slice_in(entry)
  local bundle, from, to = string.match(entry, '^(%d+):(%d%d)%-(%d%d)$')
  if not bundle or #entry ~= SLICE_SIZE or from > to then return nil end
  return bundle, tonumber(from), tonumber(to)
end
function F.read_states(b, key, bundles)
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
function F.set_states(b, bundle, states)
  b.states[bundle], b.changed[bundle], b.is_changed = states, true, true
end
function F.save_bundles(t)
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
  if b.jobs <= 0 and b.entries <= 0 and #fields == 0
      and redis.call('HLEN', t.bundles) <= COUNTERS then
    redis.call('HDEL', t.bundles, 'n', 'a', 'e')
    return
  end
  redis.call('HSET', t.bundles, 'n', F.whole(b.jobs), 'a', F.whole(b.running), 'e', F.whole(b.entries),
    unpack(fields))
end
function F.text_between(text, from, to, size)
  if size then return string.sub(text, from * (size + 1) + 1, (to + 1) * (size + 1) - 1) end
  local first, at = 1, 0
  for _ = 1, from do first = (string.find(text, '\\0', first, true) or #text) + 1 end
  at = first
  for k = from, to do
    local stop = string.find(text, '\\0', at, true)
    if not stop then return string.sub(text, first) end
    at = stop + 1
  end
  return string.sub(text, first, at - 2)
end
function F.read_text(t, bundle)
  local b = t.bundled
  b.texts = b.texts or {}
  b.texts[bundle] = b.texts[bundle] or redis.call('HGET', t.bundles, bundle)
  return b.texts[bundle]
end
function F.place_in_bundle(b, number)
  local bundle = string.sub(number, 1, BUNDLE_SIZE)
  local states = b.states[bundle]
  if not states or #number ~= NUMBER_SIZE then return nil end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1))
  if not place then return nil end
  local letter = string.sub(states, place + 1, place + 1)
  if letter ~= 'r' and letter ~= 'a' then return nil end
  return bundle, place, letter
end
function F.read_states_of(t, numbers)
  local bundles, before, wanted = {}, nil, t.bundled.wanted
  for _, number in ipairs(numbers) do
    local bundle = string.sub(number, 1, BUNDLE_SIZE)
    if bundle ~= before then bundles[#bundles + 1], before = bundle, bundle end
    wanted[bundle] = (wanted[bundle] or 0) + 1
  end
  F.read_states(t.bundled, t.bundles, bundles)
end
function F.records_in(t, bundle)
  local b = t.bundled
  b.records = b.records or {}
  if b.records[bundle] then return b.records[bundle] end
  local text, records, from = F.read_text(t, bundle), {}, 1
  while text do
    local stop = string.find(text, '\\0', from, true)
    records[#records + 1] = string.sub(text, from, (stop or 0) - 1)
    if not stop then break end
    from = stop + 1
  end
  b.records[bundle] = records
  return records
end
local FEW_WANTED = 3
function F.record_in(t, bundle, place)
  if t.bundled.wanted[bundle] > FEW_WANTED then return F.records_in(t, bundle)[place + 1] end
  local text = F.read_text(t, bundle)
  local record = text and F.text_between(text, place, place)
  return record ~= '' and record or nil
end
function F.by_bundle(numbers)
  local places, bundles, others, sub, byte = {}, {}, {}, string.sub, string.byte
  for k = 1, #numbers do
    local number = numbers[k]
    local tens, ones = byte(number, BUNDLE_SIZE + 1, BUNDLE_SIZE + 2)
    if #number == NUMBER_SIZE and tens >= 48 and ones >= 48 and tens <= 57 and ones <= 57 then
      local bundle = sub(number, 1, BUNDLE_SIZE)
      local here = places[bundle]
      if not here then
        here = {}
        places[bundle], bundles[#bundles + 1] = here, bundle
      end
      here[#here + 1] = 10 * tens + ones - 528
    else
      others[#others + 1] = number
    end
  end
  return places, bundles, others
end
function F.leave_bundles(t, numbers)
  local b = F.bundles_of(t)
  if not b then return numbers end
  local places, bundles, others = F.by_bundle(numbers)
  F.read_states(b, t.bundles, bundles)
  for _, bundle in ipairs(bundles) do
    local letters, here = b.states[bundle], places[bundle]
    local all, left, running = letters and { string.byte(letters, 1, -1) }, 0, 0
    for k = 1, #here do
      local letter = all and all[here[k] + 1]
      if letter == LETTER_R or letter == LETTER_A then
        all[here[k] + 1], left = LETTER_GONE, left + 1
        if letter == LETTER_A then running = running + 1 end
      else
        others[#others + 1] = bundle .. string.format('%02d', here[k])
      end
    end
    b.jobs, b.running = b.jobs - left, b.running - running
    if left > 0 then F.set_states(b, bundle, string.char(unpack(all))) end
  end
  return others
end
function F.single_out(t, numbers)
  if not F.bundles_of(t) then return end
  local fields, running, singled = {}, {}, {}
  F.read_states_of(t, numbers)
  for _, number in ipairs(numbers) do
    local bundle, place, letter = F.place_in_bundle(t.bundled, number)
    local record = bundle and F.record_in(t, bundle, place)
    if record then
      singled[#singled + 1] = number
      fields[#fields + 1], fields[#fields + 2] = number, record
      if letter == 'a' then running[#running + 1] = number end
    end
  end
  if #fields == 0 then return end
  redis.call('HSET', t.jobs, unpack(fields))
  if #running > 0 then redis.call('SADD', t.claimed, unpack(running)) end
  F.leave_bundles(t, singled)
  F.save_bundles(t)
end
local HANDED_MS, HANDED_LENGTH_MS = 2000, 10000
function F.is_handed(length)
  return string.byte(length) == 48
end
function F.parse_lease(fence, text)
  local a = text and string.find(text, '|', 1, true)
  local b = a and string.find(text, '|', a + 1, true)
  local c = b and string.find(text, '|', b + 1, true)
  if not c then return nil end
  local slice = c - b - 1 == SLICE_SIZE and { F.slice_in(string.sub(text, b + 1, c - 1)) } or nil
  if slice and not slice[1] then return nil end
  return {
    slice = slice, fence = fence, text = text, from = b + 1, to = c - 1, head = b, owner = a + 1,
    length = tonumber(string.sub(text, 1, a - 1)) or 0, handed = F.is_handed(text),
    task = string.sub(text, c + 1),
  }
end
function F.read_lease(fence, t)
  local lease = F.parse_lease(fence, redis.call('HGET', LEASE, fence))
  if lease and t and lease.task == t.name then lease.t = t end
  return lease
end
function F.letters_of(lease)
  local t, bundle = lease.t, lease.slice[1]
  local b = t and F.bundles_of(t)
  if not b then return nil end
  F.read_states(b, t.bundles, { bundle })
  return b.states[bundle] or nil
end
function F.place_in_slice(lease, number)
  local bundle, from, to = lease.slice[1], lease.slice[2], lease.slice[3]
  if #number ~= BUNDLE_SIZE + 2 or string.sub(number, 1, BUNDLE_SIZE) ~= bundle then return nil end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1))
  if not place or place < from or place > to then return nil end
  if lease.dropped and lease.dropped[number] then return nil end
  if lease.singled and lease.singled[number] then return number end
  local letters = F.letters_of(lease)
  return letters and string.byte(letters, place + 1) == LETTER_A and number or nil
end
local FEW = 6
local MOST_LOOKED_AFTER = 50
function F.owner_of(lease)
  return string.sub(lease.text, lease.owner, lease.head - 1)
end
function F.find_member(lease, number, from)
  local at = string.find(lease.text, number, from, true)
  local is_one = at and at < lease.to and (at - lease.from) % (NUMBER_SIZE + 1) == 0
  return is_one and #number == NUMBER_SIZE and at or nil
end
function F.place_of_member(lease, number)
  if lease.slice then return F.place_in_slice(lease, number) end
  local at = F.find_member(lease, number, lease.last or lease.from)
  if not at and lease.last then at = F.find_member(lease, number, lease.from) end
  if not at or (lease.cuts and lease.cuts[at]) then return nil end
  lease.last = at
  return at
end
function F.without_cuts(text, cuts, between)
  local places = {}
  for at in pairs(cuts) do places[#places + 1] = at end
  table.sort(places)
  local pieces, from = {}, 1
  for k, at in ipairs(places) do
    pieces[k] = string.sub(text, from, at - 1)
    from = at + cuts[at] + 1
  end
  pieces[#pieces + 1] = string.sub(text, from)
  local left = table.concat(pieces)
  return string.byte(left, -1) == between and string.sub(left, 1, -2) or left
end
local PIECE_BYTES = 8000
local MOST_BYTES_SEEN, LEASES_PER_PAGE, BYTES_PER_PAIR = 256 * 1024, 50, 50
function F.lease_of(t, number)
  local cursor, bytes = '0', 0
  repeat
    local page = redis.call('HSCAN', LEASE, cursor, 'COUNT', LEASES_PER_PAGE)
    local found = page[2]
    for k = 1, #found, 2 do
      bytes = bytes + #found[k + 1] + BYTES_PER_PAIR
      if string.find(found[k + 1], string.sub(number, 1, BUNDLE_SIZE), 1, true) then
        local lease = F.read_lease(found[k], t)
        if lease and F.place_of_member(lease, number) then return lease end
      end
    end
    cursor = page[1]
  until cursor == '0' or bytes >= MOST_BYTES_SEEN
  return nil
end
local BYTES_PER_LEASE = 200
local OF_A_BUNDLE = '^%d+|[^|]*|(%d+):%d%d%-%d%d|'
function F.mark_cancelled(t, number)
  F.written(CANCELS)
  local marked = redis.call('HSETNX', CANCELS, number, '1')
  local lease = F.lease_of(t, number)
  if lease then
    local message = 'c' .. lease.fence .. ' ' .. number .. ' ' .. t.name
    redis.call('PUBLISH', CHANNEL .. F.owner_of(lease), message)
  end
  return marked
end
function F.end_waiting(t, number, keep, now_ms)
  F.single_out(t, { number })
  local record = redis.call('HGET', t.jobs, number) or F.record_of_later(t, number)
  local head = F.head_of(record)
  F.drop_later(t, number)
  F.end_job(t, number, 'cancelled', head.i or '', '{}', keep, now_ms, record)
  return head
end
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
function F.stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end
function F.group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end
function F.wake_of(s)
  if not s.next_at or (s.paused_at and not s.paused_until) then return nil end
  local due = s.next_at + s.jitter
  return s.paused_at and math.max(s.paused_until, due) or due
end
function F.member_of(s)
  return s.wake and F.group_of(s) .. F.stamp(s.wake) .. s.id or nil
end
function F.parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = F.member_of(s), F.group_of(s)
  return s
end
function F.read_schedule(id)
  local texts = redis.call('HMGET', SCHEDULES, 'd' .. id, 's' .. id)
  return texts[1] and F.parse_schedule(id, texts[1], texts[2]) or nil
end
local touched = {}
function F.touch(group)
  if touched[group] == nil then
    touched[group] = tonumber(redis.call('ZSCORE', FIRING, group) or nil) or false
  end
end
function F.write_state(s)
  s.wake = F.wake_of(s)
  local member, group = F.member_of(s), F.group_of(s)
  local function text(n) return n and F.whole(n) or '-' end
  redis.call('HSET', SCHEDULES, 's' .. s.id, table.concat({
    text(s.next_at), text(s.wake), F.whole(s.decided), F.whole(s.fired), text(s.paused_at),
    text(s.paused_until), s.orphaned and '1' or '0', s.reason,
  }, ' '))
  if member == s.member then return end
  if s.member then
    F.touch(s.group)
    redis.call('ZREM', CURSORS, s.member)
  end
  if member then
    F.touch(group)
    redis.call('ZADD', CURSORS, 0, member)
  end
  if not (s.member and member) then
    redis.call('HINCRBY', META, 'cursors', member and 1 or -1)
  end
  s.member, s.group = member, group
end
local MOST_KEPT = 100
local INSTANCE = string.sub(SESSION, #META + 5, #META + 12)
function F.lines_of(field)
  local lines = {}
  for line in string.gmatch(redis.call('HGET', SCHEDULES, field) or '', '[^\\n]+') do
    lines[#lines + 1] = line
  end
  return lines
end
function F.load_fired(s)
  if s.fired_lines then return end
  s.fired_lines, s.last_fired = F.lines_of('f' .. s.id), -math.huge
  for _, line in ipairs(s.fired_lines) do
    s.last_fired = math.max(s.last_fired, tonumber(string.match(line, '^%S+')))
  end
end
function F.note_fired(s, at, number, how)
  F.load_fired(s)
  local lag = tonumber(number) - at * 1000
  s.fired_lines[#s.fired_lines + 1] =
    string.format('%.0f %.0f %s %s', at, lag, how, INSTANCE)
  s.last_fired, s.fired_changed = math.max(s.last_fired, at), true
end
function F.note_passed(s, row, now_ms)
  s.passed_lines = s.passed_lines or F.lines_of('u' .. s.id)
  local lines, from, count = s.passed_lines, row.from, row.count
  local reason, last_from, last_to, last_count =
    string.match(lines[#lines] or '', '^(%a) (%S+) (%S+) (%d+) ')
  local place = #lines + 1
  if reason == row.reason and tonumber(last_to) < from then
    F.load_fired(s)
    if s.last_fired < tonumber(last_to) then
      place, from, count = #lines, tonumber(last_from), count + tonumber(last_count)
    end
  end
  lines[place] = string.format('%s %.0f %.0f %.0f %.0f %s',
    row.reason, from, row.to, count, math.floor(now_ms), INSTANCE)
  s.passed_changed = true
end
function F.pass_one(s, reason, at, now_ms)
  F.note_passed(s, { reason = reason, from = at, to = at, count = 1 }, now_ms)
end
function F.write_lines(field, lines)
  local from = math.max(1, #lines - MOST_KEPT + 1)
  redis.call('HSET', SCHEDULES, field, table.concat(lines, '\\n', from))
end
function F.write_ledger(s)
  if s.fired_changed then F.write_lines('f' .. s.id, s.fired_lines) end
  if s.passed_changed then F.write_lines('u' .. s.id, s.passed_lines) end
  s.fired_changed, s.passed_changed = false, false
end
local ALLOW, SKIP, BUFFER_ONE, CANCEL_OTHER = 0, 1, 2, 4
local MOST_BUFFERED = 1000
local MOST_SOUGHT = 50
function F.occurrence_of(entry)
  local at, catchup, missed, how = string.match(entry, '^(%S+),(%d),(%d+),(%a)$')
  if not at then return nil end
  return { at = tonumber(at), catchup = catchup == '1', missed = tonumber(missed), how = how }
end
function F.text_of(o)
  return string.format('%.0f,%d,%.0f,%s', o.at, o.catchup and 1 or 0, o.missed, o.how)
end
function F.write_text(field, text)
  if text == '' then
    redis.call('HDEL', SCHEDULES, field)
  else
    redis.call('HSET', SCHEDULES, field, text)
  end
end
function F.waiting_in(buffer)
  if buffer == '' then return 0 end
  local n, at = 1, string.find(buffer, ' ', 1, true)
  while at do n, at = n + 1, string.find(buffer, ' ', at + 1, true) end
  return n
end
function F.cut_first(text, between)
  local stop = string.find(text, between, 1, true)
  if not stop then return text, '' end
  return string.sub(text, 1, stop - 1), string.sub(text, stop + 1)
end
function F.number_in(line)
  return string.match(line, '^%d+')
end
function F.load_overlap(t, s)
  if s.open then return end
  s.open, s.opened = redis.call('HGET', SCHEDULES, 'o' .. s.id) or '', {}
  s.buffer, s.buffered = redis.call('HGET', SCHEDULES, 'b' .. s.id) or '', {}
  s.waiting = F.waiting_in(s.buffer)
  for _ = 1, MOST_SOUGHT do
    local line, rest = F.cut_first(s.open, '\\n')
    local number = F.number_in(line)
    if line == '' or (number and (redis.call('HEXISTS', t.jobs, number) == 1
      or F.is_later(t, number))) then
      return
    end
    s.open = rest
  end
end
function F.has_open(s)
  return s.open ~= '' or #s.opened > 0
end
function F.joined(text, more, between)
  if #more == 0 then return text end
  local added = table.concat(more, between)
  return text == '' and added or text .. between .. added
end
function F.write_overlap(s)
  if not s.open then return end
  F.write_text('o' .. s.id, F.joined(s.open, s.opened, '\\n'))
  F.write_text('b' .. s.id, F.joined(s.buffer, s.buffered, ' '))
end
function F.json_id(s, o)
  return string.match(s.head, '"s":"(.*)"$') .. '@' .. F.whole(o.at)
end
function F.record_of(s, o, tracked)
  s.payload = s.payload or redis.call('HGET', SCHEDULES, 'p' .. s.id) or ''
  local head = s.head
  if o.how == 'b' then
    head = '{"i":"' .. F.json_id(s, o) .. '",' .. string.sub(head, 2)
  end
  return table.concat({
    head, ',"o":', F.whole(o.at), o.catchup and ',"c":1' or '',
    o.missed > 0 and ',"m":' .. F.whole(o.missed) or '', tracked and ',"x":1' or '', '}\\n',
    s.payload,
  })
end
function F.make_job(t, s, o, tracked, now)
  local number = F.digits(F.take_numbers('number', 1, now))
  local record = F.record_of(s, o, tracked)
  local id = o.how == 'b' and s.id .. '@' .. F.whole(o.at) or ''
  local job = { id = id, due = '', priority = F.priority_of(record), record = record }
  local answer, created = F.save_job(t, number, job, now / 1000)
  if created then
    F.note_fired(s, o.at, number, o.how)
    if tracked then
      F.load_overlap(t, s)
      s.opened[#s.opened + 1] = id == '' and number or number .. ' "' .. F.json_id(s, o) .. '"'
    end
  end
  return answer, created, #record
end
function F.release(t, s, now)
  local released = false
  s.buffer, s.buffered = F.joined(s.buffer, s.buffered, ' '), {}
  while not F.has_open(s) and s.buffer ~= '' do
    local entry
    entry, s.buffer = F.cut_first(s.buffer, ' ')
    s.waiting = s.waiting - 1
    local o = F.occurrence_of(entry)
    if o then
      local _, created = F.make_job(t, s, o, true, now)
      released = released or created
    end
  end
  return released
end
function F.cancel_open(t, s, keep, now_ms)
  local left = {}
  for line in string.gmatch(F.joined(s.open, s.opened, '\\n'), '[^\\n]+') do
    local number = F.number_in(line)
    if redis.call('SISMEMBER', t.claimed, number) == 1 then
      left[#left + 1] = line
      F.mark_cancelled(t, number)
    else
      F.end_waiting(t, number, keep, now_ms)
    end
  end
  s.open, s.opened = table.concat(left, '\\n'), {}
end
function F.give_up_waiting(s, now_ms)
  for entry in string.gmatch(F.joined(s.buffer, s.buffered, ' '), '%S+') do
    local o = F.occurrence_of(entry)
    if o then F.pass_one(s, 'r', o.at, now_ms) end
  end
  s.buffer, s.buffered, s.waiting = '', {}, 0
end
function F.fire_occurrence(t, s, o, overlap, keep, now)
  local now_ms = now / 1000
  if overlap ~= ALLOW then
    F.load_overlap(t, s)
    if F.has_open(s) or s.waiting > 0 then
      if overlap == SKIP or (overlap == BUFFER_ONE and s.waiting > 0) then
        F.pass_one(s, 'v', o.at, now_ms)
        return 'sv', false, 0
      elseif overlap == CANCEL_OTHER then
        F.give_up_waiting(s, now_ms)
        F.cancel_open(t, s, keep, now_ms)
      elseif s.waiting >= MOST_BUFFERED then
        F.pass_one(s, 'f', o.at, now_ms)
        return 'sf', false, 0
      end
      if overlap ~= CANCEL_OTHER or F.has_open(s) then
        s.buffered[#s.buffered + 1], s.waiting = F.text_of(o), s.waiting + 1
        return 'b', false, 0
      end
    end
  end
  return F.make_job(t, s, o, overlap ~= ALLOW or s.overlap ~= ALLOW, now)
end
local over = {}
function F.save_ends()
  F.save_bounds()
  for id, known in pairs(over) do
    if next(known.cuts) then
      redis.call('HSET', SCHEDULES, 'o' .. id, F.without_cuts(known.text, known.cuts, 10))
    end
  end
  over = {}
end
local t, s = F.task_keys(1, ARGV[1]), F.read_schedule(ARGV[2])
if not s then return {} end
if s.task ~= t.name then return { s.task } end
local overlap, keep = tonumber(ARGV[3]) or s.overlap, F.keep_rules(4)
local now = now_us()
local answers, any_ready = { t.name }, false
function F.is_waiting(s, entry)
  for _, waiting in ipairs(s.buffered) do
    if waiting == entry then return true end
  end
  local at = string.find(s.buffer, entry, 1, true)
  while at do
    local before, after = string.byte(s.buffer, at - 1), string.byte(s.buffer, at + #entry)
    if (at == 1 or before == 32) and (not after or after == 32) then return true end
    at = string.find(s.buffer, entry, at + 1, true)
  end
  return false
end
function F.asked_before(o)
  local number, state, due = known(t, s.id .. '@' .. F.whole(o.at), now / 1000)
  if number then return number .. ',0,' .. state .. ',' .. due end
  if s.buffer and F.is_waiting(s, F.text_of(o)) then return 'b' end
end
function F.trigger(o)
  local outcome, ready = o.how == 'b' and F.asked_before(o) or nil, false
  if not outcome then outcome, ready = F.fire_occurrence(t, s, o, overlap, keep, now) end
  any_ready = any_ready or ready
  answers[#answers + 1] = F.whole(o.at)
  answers[#answers + 1] = outcome
end
function F.note_decided(at)
  if at <= s.decided or (s.next_at and at >= s.next_at) then return false end
  s.decided = at
  return true
end
if overlap ~= ALLOW or s.overlap ~= ALLOW then
  F.load_overlap(t, s)
  any_ready = F.release(t, s, now)
end
local first, changed = 4 + KEEP_ARGS, false
for k = first, #ARGV do
  local at = tonumber(ARGV[k])
  F.trigger({ at = at, catchup = true, missed = 0, how = 'b' })
  changed = F.note_decided(at) or changed
end
if #ARGV < first then
  F.trigger({ at = math.floor(now / 1000), catchup = false, missed = 0, how = 't' })
end
if changed then F.write_state(s) end
F.write_ledger(s)
F.write_overlap(s)
F.save_ends()
if any_ready then F.wake_one(t) end
return answers
`,
  },
  "work": {
    sha1: "17352307f47a1ec1c1e8e41513b20f62a8744123",
    text: `#!lua flags=allow-oom
local F = {complete_plain=0,keep_rules=0,exists=0,save_bounds=0,end_call=0,write_leases=0,begin_call=0,ask_for_rare=0,save_lengths=0,task_keys=0,save_ends=0,complete_left=0,read_lease=0,numbers_in=0,place_of_member=0,is_handed=0,drop_first=0,forget_done=0,parse_lease=0,drop_member=0,text_left=0,shrink_lease=0,find_member=0,settle_completed=0,note_done=0,read_lengths=0,whole=0,change_leases=0,lengths_text=0,forget_lease=0,lease_in_pieces=0,first_chunk=0,take=0,update_moment=0,exact=0,promote_share=0,pop_hints=0,forget_alone=0,claim=0,promote=0,has_alone=0,digits=0,note_time=0,raised=0,take_fences=0,note_leases=0,describe_batch=0,digits_from=0,lease_out=0,add_joined=0,wake_one=0,shortest_of=0,bundles_of=0,read_states=0,set_states=0,save_bundles=0,slice_in=0,slice_text=0,next_slice=0,entry_in_front=0,cut_front=0,take_slice=0,text_between=0,size_in=0,read_text=0,take_some=0,pop_ready=0,lease_slice=0,as_numbers=0,spelled=0,end_in_slice=0,without=0,without_few=0,letters_of=0,has_members=0,end_slices=0,end_lease=0,forget_records=0,single_out_members=0}
local R = {}
setmetatable(F, { __index = function(_, name)
  for k = #R, 1, -1 do
    R[k]()
    R[k] = nil
    if rawget(F, name) then break end
  end
  return rawget(F, name)
end })
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
function F.task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], claimed = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17], bundles = KEYS[b + 18],
  }
end
function F.whole(n)
  return string.format('%.0f', n)
end
function F.exact(ms)
  return string.format('%.3f', ms)
end
function F.read_lengths(text)
  local lengths = {}
  for length, count in string.gmatch(text or '', '(%d+)=(%d+)') do
    lengths[length] = tonumber(count)
  end
  return lengths
end
function F.lengths_text(lengths)
  local parts = {}
  for length, count in pairs(lengths) do
    if count > 0 then parts[#parts + 1] = length .. '=' .. count end
  end
  table.sort(parts)
  return table.concat(parts, ' ')
end
local known_lengths, known_fence = nil, nil
local lease_changes = {}
function F.change_leases(length_ms, by)
  local key = F.whole(length_ms)
  lease_changes[key] = (lease_changes[key] or 0) + by
end
function F.forget_lease(length_ms)
  F.change_leases(length_ms, -1)
end
function F.save_lengths()
  local lengths, changed = nil, false
  for length, by in pairs(lease_changes) do
    if by ~= 0 then
      lengths = lengths or known_lengths or F.read_lengths(redis.call('HGET', META, 'lengths'))
      lengths[length], changed = (lengths[length] or 0) + by, true
    end
  end
  lease_changes, known_lengths = {}, nil
  if changed then redis.call('HSET', META, 'lengths', F.lengths_text(lengths)) end
end
local SHORTEST_KNOWN_MS = 1000
function F.shortest_of(lengths)
  local shortest = math.huge
  for length in pairs(lengths) do shortest = math.min(shortest, tonumber(length)) end
  return shortest < math.huge and shortest or SHORTEST_KNOWN_MS
end
function F.note_time(now_ms)
  if redis.call('ZCARD', LEASES) == 0 then return 0, nil, {} end
  local m = redis.call('HMGET', META, 'noted', 'graceFrom', 'lengths', 'fence')
  local noted, from = tonumber(m[1]), tonumber(m[2] or '0')
  local lengths = F.read_lengths(m[3])
  known_lengths, known_fence = lengths, m[4]
  local shortest = F.shortest_of(lengths)
  local gap = noted and now_ms - noted or math.huge
  local this = math.floor(now_ms)
  if gap > shortest * 2 / 3 or gap < 0 then
    noted, from = this, this
    redis.call('HSET', META, 'noted', F.whole(this), 'graceFrom', F.whole(this))
    if gap < 0 then F.clamp_leases(now_ms, shortest) end
  elseif gap >= shortest / 3 then
    noted = this
    redis.call('HSET', META, 'noted', F.whole(this))
  end
  return from, noted + shortest / 3, lengths
end
function F.note_leases(now_ms, lease_ms, count)
  local _, next_note, lengths = F.note_time(now_ms)
  if not next_note then
    redis.call('HSET', META, 'noted', F.whole(math.floor(now_ms)), 'graceFrom', '0')
  elseif lease_ms < F.shortest_of(lengths) then
    redis.call('HSET', META, 'noted', F.whole(math.floor(now_ms)))
  end
  F.change_leases(lease_ms, count)
end
local KEPT_ANSWERS = 4
function F.begin_call(lane, epoch, seq)
  local s = redis.call('HMGET', SESSION, lane .. ':epoch', lane .. ':seq')
  if s[1] ~= epoch then return redis.error_reply('SMQEPOCH this epoch is closed') end
  local n, last = tonumber(seq), tonumber(s[2] or '0')
  if n <= last then
    return { redis.call('HGET', SESSION, lane .. ':answer' .. (n % KEPT_ANSWERS)) or '' }
  end
  if n > last + 1 then return redis.error_reply('SMQGAP the call before has not arrived') end
  redis.call('HSET', SESSION, lane .. ':seq', seq, lane .. ':answer' .. (n % KEPT_ANSWERS), '')
  return nil
end
function F.end_call(lane, seq, answer)
  redis.call('HSET', SESSION, lane .. ':answer' .. (tonumber(seq) % KEPT_ANSWERS), answer)
end
local NUMBER_SIZE = 16
function F.digits(n)
  return string.format('%016.0f', n)
end
function F.raised(field, last, count, now)
  local first = math.max(last + 1, now)
  redis.call('HSET', META, field, F.digits(first + count - 1))
  return first
end
local TWO_DIGITS = '00010203040506070809101112131415161718192021222324'
  .. '25262728293031323334353637383940414243444546474849'
  .. '50515253545556575859606162636465666768697071727374'
  .. '75767778798081828384858687888990919293949596979899'
function F.digits_from(first, count)
  local sub, texts = string.sub, {}
  local high, at = math.floor(first / 100), 1 + 2 * (first % 100)
  local head = string.format('%014.0f', high)
  for k = 1, count do
    if at > 200 then
      high, at = high + 1, 1
      head = string.format('%014.0f', high)
    end
    texts[k] = head .. sub(TWO_DIGITS, at, at + 1)
    at = at + 2
  end
  return texts
end
local heads = {}
local MOST_DEAD = 200
function F.wake_one(t)
  for _ = 1, MOST_DEAD do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return false end
    if redis.call('PUBLISH', CHANNEL .. sleeper, 't' .. t.name) > 0 then return true end
  end
  return false
end
local rare_left, seen_rare = math.huge, {}
function F.ask_for_rare(keys)
  rare_left = redis.call('EXISTS', unpack(keys))
end
function F.exists(key)
  if seen_rare[key] ~= nil then return seen_rare[key] end
  if rare_left == 0 then return false end
  seen_rare[key] = redis.call('EXISTS', key) == 1
  if seen_rare[key] then rare_left = rare_left - 1 end
  return seen_rare[key]
end
local PACKED_FROM, PACKED_BELOW = 1750000000000000, 1750000000000000 + 254 * 2 ^ 40
local ALONE_AFTER = 3
function F.keep_rules(i)
  return {
    idMs = tonumber(ARGV[i]), idCount = tonumber(ARGV[i + 1]),
    completed = { tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]) },
    dead = { tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]) },
    cancelled = { tonumber(ARGV[i + 6]), tonumber(ARGV[i + 7]) },
  }
end
local KEEP_ARGS = 8
local STATE_LETTER = { completed = 'c', dead = 'd', cancelled = 'x' }
local SURPLUS_PER_CALL = 20
local added_to = {}
function F.save_bounds()
  for index, a in pairs(added_to) do
    F.bound(index, a.hash, a.count, a.stats, a.added + SURPLUS_PER_CALL)
  end
  added_to = {}
end
local function known(t, id, now_ms)
  local entry = redis.call('HGET', t.ids, id)
  if not entry then return nil end
  local number, ended = string.match(entry, '^(%d+):?(%a?)$')
  if ended ~= '' then
    local til = tonumber(redis.call('ZSCORE', t.idends, id) or '0')
    if til <= now_ms then return nil end
    return number, ended, ''
  end
  if redis.call('SISMEMBER', t.claimed, number) == 1 then return number, 'a', '' end
  if redis.call('HEXISTS', t.jobs, number) == 1 then return number, 'r', '' end
  local due = F.due_of_later(t, number)
  if due then return number, 's', due end
  return nil
end
local BUNDLE_SIZE, SLICE_SIZE = 14, 20
local COUNTERS = 3
local LETTER_R, LETTER_A, LETTER_GONE, COLON = 114, 97, 45, 58
function F.bundles_of(t)
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
local SPELLED = '@00 @01 @02 @03 @04 @05 @06 @07 @08 @09 @10 @11 @12 @13 @14 @15 @16 @17 @18 @19 '
  .. '@20 @21 @22 @23 @24 @25 @26 @27 @28 @29 @30 @31 @32 @33 @34 @35 @36 @37 @38 @39 '
  .. '@40 @41 @42 @43 @44 @45 @46 @47 @48 @49 @50 @51 @52 @53 @54 @55 @56 @57 @58 @59 '
  .. '@60 @61 @62 @63 @64 @65 @66 @67 @68 @69 @70 @71 @72 @73 @74 @75 @76 @77 @78 @79 '
  .. '@80 @81 @82 @83 @84 @85 @86 @87 @88 @89 @90 @91 @92 @93 @94 @95 @96 @97 @98 @99'
function F.spelled(bundle, from, to)
  return (string.gsub(string.sub(SPELLED, 4 * from + 1, 4 * to + 3), '@', bundle))
end
function F.slice_text(bundle, from, to)
  return string.format('%s:%02d-%02d', bundle, from, to)
end
function F.slice_in(entry)
  local bundle, from, to = string.match(entry, '^(%d+):(%d%d)%-(%d%d)$')
  if not bundle or #entry ~= SLICE_SIZE or from > to then return nil end
  return bundle, tonumber(from), tonumber(to)
end
function F.as_numbers(text)
  if string.byte(text, BUNDLE_SIZE + 1) ~= COLON then return text end
  if #text == SLICE_SIZE then
    local bundle, from, to = F.slice_in(text)
    if bundle then return F.spelled(bundle, from, to) end
  end
  local bundle = string.sub(text, 1, BUNDLE_SIZE)
  local numbers = string.gsub(string.sub(text, BUNDLE_SIZE + 2), '%d%d', bundle .. '%0 ')
  return string.sub(numbers, 1, -2)
end
function F.read_states(b, key, bundles)
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
function F.set_states(b, bundle, states)
  b.states[bundle], b.changed[bundle], b.is_changed = states, true, true
end
function F.save_bundles(t)
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
  if b.jobs <= 0 and b.entries <= 0 and #fields == 0
      and redis.call('HLEN', t.bundles) <= COUNTERS then
    redis.call('HDEL', t.bundles, 'n', 'a', 'e')
    return
  end
  redis.call('HSET', t.bundles, 'n', F.whole(b.jobs), 'a', F.whole(b.running), 'e', F.whole(b.entries),
    unpack(fields))
end
function F.size_in(t, bundle)
  return tonumber(redis.call('HGET', t.bundles, bundle .. 'z') or nil)
end
function F.text_between(text, from, to, size)
  if size then return string.sub(text, from * (size + 1) + 1, (to + 1) * (size + 1) - 1) end
  local first, at = 1, 0
  for _ = 1, from do first = (string.find(text, '\\0', first, true) or #text) + 1 end
  at = first
  for k = from, to do
    local stop = string.find(text, '\\0', at, true)
    if not stop then return string.sub(text, first) end
    at = stop + 1
  end
  return string.sub(text, first, at - 2)
end
function F.read_text(t, bundle)
  local b = t.bundled
  b.texts = b.texts or {}
  b.texts[bundle] = b.texts[bundle] or redis.call('HGET', t.bundles, bundle)
  return b.texts[bundle]
end
local FEW_WANTED = 3
local HANDED_MS, HANDED_LENGTH_MS = 2000, 10000
function F.is_handed(length)
  return string.byte(length) == 48
end
function F.parse_lease(fence, text)
  local a = text and string.find(text, '|', 1, true)
  local b = a and string.find(text, '|', a + 1, true)
  local c = b and string.find(text, '|', b + 1, true)
  if not c then return nil end
  local slice = c - b - 1 == SLICE_SIZE and { F.slice_in(string.sub(text, b + 1, c - 1)) } or nil
  if slice and not slice[1] then return nil end
  return {
    slice = slice, fence = fence, text = text, from = b + 1, to = c - 1, head = b, owner = a + 1,
    length = tonumber(string.sub(text, 1, a - 1)) or 0, handed = F.is_handed(text),
    task = string.sub(text, c + 1),
  }
end
function F.read_lease(fence, t)
  local lease = F.parse_lease(fence, redis.call('HGET', LEASE, fence))
  if lease and t and lease.task == t.name then lease.t = t end
  return lease
end
function F.numbers_in(text)
  local sub, numbers, n = string.sub, {}, 0
  for at = 1, #text, NUMBER_SIZE + 1 do
    n = n + 1
    numbers[n] = sub(text, at, at + NUMBER_SIZE - 1)
  end
  return numbers
end
function F.letters_of(lease)
  local t, bundle = lease.t, lease.slice[1]
  local b = t and F.bundles_of(t)
  if not b then return nil end
  F.read_states(b, t.bundles, { bundle })
  return b.states[bundle] or nil
end
function F.has_members(lease)
  local letters = F.letters_of(lease)
  if not letters then return redis.call('HEXISTS', lease.t.bundles, lease.slice[1]) == 1 end
  local at = string.find(letters, 'a', lease.slice[2] + 1, true)
  return at ~= nil and at <= lease.slice[3] + 1
end
function F.without(slice, letters, named)
  local all = { string.byte(letters, 1, -1) }
  for k = 1, #named, 2 do
    local place = 10 * named[k] + named[k + 1] - 528
    if place < slice[2] or place > slice[3] or all[place + 1] ~= LETTER_A then return nil end
    all[place + 1] = LETTER_GONE
  end
  return string.char(unpack(all))
end
local FEW = 6
function F.without_few(slice, letters, named)
  local sub = string.sub
  for k = 1, #named, 2 do
    local place = 10 * named[k] + named[k + 1] - 528
    if place < slice[2] or place > slice[3] then return nil end
    if string.byte(letters, place + 1) ~= LETTER_A then return nil end
    letters = sub(letters, 1, place) .. '-' .. sub(letters, place + 2)
  end
  return letters
end
function F.end_in_slice(lease, joined)
  local t, slice, letters = lease.t, lease.slice, F.letters_of(lease)
  if not letters or string.sub(joined, 1, BUNDLE_SIZE) ~= slice[1] then return nil end
  if string.byte(joined, BUNDLE_SIZE + 1) ~= COLON then return nil end
  local b, n = t.bundled, 0
  if #joined == SLICE_SIZE then
    local bundle, from, to = F.slice_in(joined)
    if not bundle then return nil end
    n = to - from + 1
    if from < slice[2] or to > slice[3] then return nil end
    if string.sub(letters, from + 1, to + 1) ~= string.rep('a', n) then return nil end
    letters = string.sub(letters, 1, from) .. string.rep('-', n) .. string.sub(letters, to + 2)
  else
    local named = { string.byte(joined, BUNDLE_SIZE + 2, -1) }
    n = #named / 2
    if n < 1 or n % 1 ~= 0 then return nil end
    letters = (n <= FEW and F.without_few or F.without)(slice, letters, named)
    if not letters then return nil end
  end
  F.set_states(b, slice[1], letters)
  b.jobs, b.running = b.jobs - n, b.running - n
  t.ended_here = (t.ended_here or 0) + n
  return true
end
local MOST_LOOKED_AFTER = 50
function F.end_slices(leases)
  local count, is_said = 0, nil
  for _, lease in pairs(leases) do
    if not F.has_members(lease) then
      if is_said == nil then is_said = F.exists(PROGRESS) and redis.call('EXISTS', PROGRESS) == 1 end
      if is_said and count < MOST_LOOKED_AFTER then F.forget_progress(lease) end
      if not is_said or count < MOST_LOOKED_AFTER then F.end_lease(lease) end
      count = count + 1
    end
  end
end
function F.find_member(lease, number, from)
  local at = string.find(lease.text, number, from, true)
  local is_one = at and at < lease.to and (at - lease.from) % (NUMBER_SIZE + 1) == 0
  return is_one and #number == NUMBER_SIZE and at or nil
end
function F.place_of_member(lease, number)
  if lease.slice then return F.place_in_slice(lease, number) end
  local at = F.find_member(lease, number, lease.last or lease.from)
  if not at and lease.last then at = F.find_member(lease, number, lease.from) end
  if not at or (lease.cuts and lease.cuts[at]) then return nil end
  lease.last = at
  return at
end
function F.drop_member(lease, at)
  if lease.slice then return F.drop_of_slice(lease, at) end
  local places = lease.places
  if not places then
    lease.cuts, lease.places = { [at] = true }, { at }
    return
  end
  lease.mixed = lease.mixed or at < places[#places]
  lease.cuts[at], places[#places + 1] = true, at
end
function F.drop_first(lease, joined)
  if lease.slice then return false end
  local after = lease.from + #joined
  if lease.cuts or after > lease.to + 1 then return false end
  if string.find(lease.text, joined, lease.from, true) ~= lease.from then return false end
  if after <= lease.to and string.byte(lease.text, after) ~= 32 then return false end
  lease.from, lease.shrunk = after + 1, true
  return true
end
function F.text_left(lease)
  local sub, text, from = string.sub, lease.text, lease.from
  local pieces = { sub(text, 1, lease.head) }
  if lease.mixed then table.sort(lease.places) end
  for _, at in ipairs(lease.places or {}) do
    if at > from then pieces[#pieces + 1] = sub(text, from, at - 1) end
    from = at + NUMBER_SIZE + 1
  end
  if from <= lease.to then
    pieces[#pieces + 1] = sub(text, from)
  elseif #pieces == 1 then
    return nil
  else
    pieces[#pieces] = sub(pieces[#pieces], 1, -2)
    pieces[#pieces + 1] = sub(text, lease.to + 1)
  end
  return table.concat(pieces)
end
function F.end_lease(lease)
  lease.is_over = true
  redis.call('HDEL', LEASE, lease.fence)
  redis.call('ZREM', LEASES, lease.fence)
  F.forget_lease(lease.length)
end
function F.shrink_lease(lease)
  if not lease.cuts and not lease.shrunk then return end
  local left = F.text_left(lease)
  if left then redis.call('HSET', LEASE, lease.fence, left) else F.end_lease(lease) end
end
local PIECE_BYTES = 8000
function F.add_joined(batch, records)
  local from, bytes = 1, 0
  for k = 1, #records do
    local size = #records[k] + 1
    if bytes + size > PIECE_BYTES and k > from then
      batch[#batch + 1] = table.concat(records, '\\0', from, k - 1)
      from, bytes = k, 0
    end
    bytes = bytes + size
  end
  batch[#batch + 1] = table.concat(records, '\\0', from)
end
function F.describe_batch(t, numbers, records, joined, one_by_one)
  local counts, any = {}, false
  if F.exists(t.tries) then
    local found = redis.call('HMGET', t.tries, unpack(numbers))
    for k = 1, #numbers do
      counts[k] = found[k] or ''
      any = any or counts[k] ~= ''
    end
  end
  joined = joined or table.concat(numbers, ' ')
  local counted = any and table.concat(counts, ';') or ''
  if one_by_one then return { joined, counted, unpack(records) } end
  local batch = { joined, counted }
  F.add_joined(batch, records)
  return batch
end
local MOST_BYTES_SEEN, LEASES_PER_PAGE, BYTES_PER_PAIR = 256 * 1024, 50, 50
local BYTES_PER_LEASE = 200
local OF_A_BUNDLE = '^%d+|[^|]*|(%d+):%d%d%-%d%d|'
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }
local touched = {}
local MOST_KEPT = 100
local INSTANCE = string.sub(SESSION, #META + 5, #META + 12)
local ALLOW, SKIP, BUFFER_ONE, CANCEL_OTHER = 0, 1, 2, 4
local MOST_BUFFERED = 1000
local MOST_SOUGHT = 50
local function joined(text, more, between)
  if #more == 0 then return text end
  local added = table.concat(more, between)
  return text == '' and added or text .. between .. added
end
local over = {}
function F.save_ends()
  F.save_bounds()
  for id, known in pairs(over) do
    if next(known.cuts) then
      redis.call('HSET', SCHEDULES, 'o' .. id, F.without_cuts(known.text, known.cuts, 10))
    end
  end
  over = {}
end
local MOST_BYTES = 4 * 1024 * 1024
local MOST_PROMOTED = 150
local promote_budget = { jobs = MOST_PROMOTED, bytes = MOST_BYTES }
function F.promote_share(tasks)
  return math.max(1, math.min(100, math.floor(MOST_PROMOTED / tasks)))
end
function F.promote(t, now_ms, most)
  local budget, now = promote_budget, F.exact(now_ms)
  while most > 0 and budget.jobs > 0 and budget.bytes > 0 and F.exists(t.due) do
    local n = math.min(most, budget.jobs, 50)
    local due = redis.call('ZRANGEBYSCORE', t.due, '-inf', now, 'LIMIT', 0, n)
    if #due == 0 then return end
    F.promote_some(t, due, now_ms)
    most, budget.jobs = most - #due, budget.jobs - #due
  end
end
local cancelled_left = 1000
function F.has_alone(t)
  if not F.exists(t.alone) then return false end
  while true do
    local number = redis.call('LINDEX', t.alone, 0)
    if not number then return false end
    local there = redis.call('HEXISTS', t.jobs, number) == 1
    if there and redis.call('SISMEMBER', t.claimed, number) == 0 then return true end
    if cancelled_left == 0 then return nil end
    cancelled_left = cancelled_left - 1
    redis.call('LPOP', t.alone)
    redis.call('HINCRBY', META, 'aloneJobs', -1)
  end
end
function F.update_moment(t, now_ms, alone_from)
  if redis.call('LLEN', t.ready) > 0 or (F.exists(t.prio) and redis.call('ZCARD', t.prio) > 0) then
    redis.call('ZADD', MOMENTS, 0, t.name)
    return true
  end
  local next_due = F.exists(t.due) and redis.call('ZRANGE', t.due, 0, 0, 'WITHSCORES')[2]
  local moment = next_due and tonumber(next_due) or nil
  if moment and moment <= now_ms then
    redis.call('ZADD', MOMENTS, 0, t.name)
    return true
  end
  local alone = F.has_alone(t)
  if alone then
    moment = math.min(moment or math.huge, alone_from or 0)
  elseif alone == nil then
    moment = 0
  end
  if moment then
    redis.call('ZADD', MOMENTS, F.exact(moment), t.name)
  else
    redis.call('ZREM', MOMENTS, t.name)
  end
  return false
end
local LEAST_SLICE = 8
local NOTHING = { count = 0, bytes = 0 }
function F.pop_ready(t, n)
  local b = F.bundles_of(t)
  if not b then return redis.call('LPOP', t.ready, n) or {} end
  local is_popped = b.entries <= 0
  local seen, count = nil, 0
  if is_popped then seen = redis.call('LPOP', t.ready, n) or {} end
  seen = seen or redis.call('LRANGE', t.ready, 0, n - 1)
  while seen[count + 1] and #seen[count + 1] ~= SLICE_SIZE do count = count + 1 end
  if not is_popped then return count > 0 and redis.call('LPOP', t.ready, count) or {} end
  if count == #seen then return seen end
  local back = {}
  for k = #seen, count + 1, -1 do back[#back + 1], seen[k] = seen[k], nil end
  redis.call('LPUSH', t.ready, unpack(back))
  b.entries, b.is_changed = 1, true
  return seen
end
function F.entry_in_front(t)
  local b = F.bundles_of(t)
  local entry = b and redis.call('LINDEX', t.ready, 0)
  return entry and #entry == SLICE_SIZE and entry or nil
end
function F.take_slice(t, bundle, from, to)
  local b, text = t.bundled, nil
  if not bundle then return NOTHING end
  if b.states[bundle] == nil then
    local found = redis.call('HMGET', t.bundles, bundle, bundle .. 's')
    text, b.states[bundle] = found[1], found[2]
  else
    text = F.read_text(t, bundle)
  end
  local letters = b.states[bundle]
  if not text or not letters then return NOTHING end
  local count = to - from + 1
  local has_gap = string.sub(letters, from + 1, to + 1) ~= string.rep('r', count)
  if has_gap then
    from, to = F.cut_run(t, letters, bundle, from, to)
    if not from then return { count = 0, bytes = #text } end
    count = to - from + 1
  end
  if count < #letters then text = F.text_between(text, from, to, F.size_in(t, bundle)) end
  F.set_states(b, bundle,
    string.sub(letters, 1, from) .. string.rep('a', count) .. string.sub(letters, to + 2))
  b.running = b.running + count
  local joined = F.slice_text(bundle, from, to)
  return { joined = joined, count = count, text = text, bytes = #text, has_gap = has_gap }
end
function F.cut_front(t, entry, limit)
  local b, bundle, from, to = t.bundled, F.slice_in(entry)
  redis.call('LPOP', t.ready)
  if bundle and to - from + 1 > limit then
    redis.call('LPUSH', t.ready, F.slice_text(bundle, from + limit, to))
    return bundle, from, from + limit - 1
  end
  b.entries, b.is_changed = b.entries - 1, true
  return bundle, from, to
end
function F.next_slice(t, limit, left, budget)
  local b = F.bundles_of(t)
  if not b or F.exists(t.prio) then return nil end
  while budget.hints > 0 do
    local entry = F.entry_in_front(t)
    if not entry then return nil end
    if limit >= LEAST_SLICE then
      local slice = F.take_slice(t, F.cut_front(t, entry, left))
      budget.hints = budget.hints - (slice.has_gap and 10 or 1)
      budget.bytes = budget.bytes - slice.bytes
      return slice
    end
    if F.part_front(t, entry) then return nil end
    budget.hints = budget.hints - 1
  end
  return nil
end
local MOST_JOBS = 1000
local FIRST_CHUNK = 16
function F.pop_hints(t, n, budget)
  if not F.exists(t.prio) then return F.pop_ready(t, n), nil end
  local numbers, entries = {}, { members = {}, scores = {} }
  local function pop_prio(want)
    if want <= 0 then return end
    local popped = redis.call('ZPOPMIN', t.prio, want)
    for k = 1, #popped, 2 do
      local member, at = popped[k], #numbers + 1
      numbers[at] = string.sub(member, -NUMBER_SIZE)
      entries.members[at], entries.scores[at] = member, popped[k + 1]
    end
  end
  pop_prio(math.min(n, redis.call('ZCOUNT', t.prio, '-inf', '(0')))
  local at = #numbers
  while at < n and budget.hints > 0 do
    for _, number in ipairs(F.pop_ready(t, n - at)) do numbers[#numbers + 1] = number end
    local bundled = #numbers == at and F.entry_in_front(t)
    if not bundled and #numbers == at then break end
    if bundled and not F.part_front(t, bundled) then budget.hints = budget.hints - 10 end
    at = #numbers
  end
  if budget.hints > 0 then pop_prio(n - #numbers) end
  return numbers, entries
end
function F.first_chunk(t, limit, budget)
  if limit <= 4 then return limit end
  local first = redis.call('LINDEX', t.ready, 0)
  local size = first and redis.call('HSTRLEN', t.jobs, first) or 0
  if size == 0 then return FIRST_CHUNK end
  return math.max(1, math.min(FIRST_CHUNK * 4, math.floor(budget.bytes / size)))
end
function F.take_some(t, limit, budget, taken)
  local numbers, records, n = taken.numbers, taken.records, taken.n
  taken.chunk = taken.chunk or F.first_chunk(t, limit, budget)
  local hints, entries = F.pop_hints(t, math.min(taken.chunk, limit - n, budget.hints), budget)
  if #hints == 0 then return false end
  budget.hints = budget.hints - #hints
  local found = redis.call('HMGET', t.jobs, unpack(hints))
  local bytes, largest, before = budget.bytes, 1, n
  for k = 1, #hints do
    local record = found[k]
    if record then
      if bytes <= 0 then
        for b = #hints, k, -1 do F.put_back(t, hints[b], entries, b) end
        break
      end
      n = n + 1
      numbers[n], records[n] = hints[k], record
      local size = #record
      bytes = bytes - size
      if size > largest then largest = size end
    end
  end
  if n > before then
    local added = redis.call('SADD', t.claimed, unpack(numbers, before + 1, n))
    if added < n - before then n = F.drop_doubled(t, numbers, records, before + 1, n) end
  end
  budget.bytes = bytes
  taken.n, taken.chunk = n, math.max(1, math.min(limit, math.floor(bytes / largest), 500))
  return true
end
function F.take(t, limit, budget, out_singles, out_slice)
  local taken, total = { numbers = {}, records = {}, n = 0 }, 0
  while total + taken.n < limit and budget.bytes > 0 and budget.hints > 0 do
    local slice = F.next_slice(t, limit, limit - total - taken.n, budget)
    if slice then
      if taken.n > 0 then out_singles(taken.numbers, taken.records) end
      total = total + taken.n + slice.count
      taken = { numbers = {}, records = {}, n = 0 }
      if slice.count > 0 then out_slice(slice) end
    elseif not F.take_some(t, limit - total, budget, taken) then
      break
    end
  end
  if taken.n > 0 then out_singles(taken.numbers, taken.records) end
  return total + taken.n
end
local MOST_SHARERS = 7
local MOST_PER_LEASE = 100
function F.take_fences(count, now)
  local last = tonumber(known_fence or redis.call('HGET', META, 'fence') or '0')
  return F.raised('fence', last, count, now)
end
function F.write_leases(leases, lease_ms, owner, now)
  if #leases == 0 then return {} end
  local now_ms = now / 1000
  F.note_leases(now_ms, lease_ms, #leases)
  local fences = F.digits_from(F.take_fences(#leases, now), #leases)
  local texts, ends, ends_at = {}, {}, F.whole(math.floor(now_ms + lease_ms))
  local head = F.whole(lease_ms) .. '|' .. owner .. '|'
  for k, lease in ipairs(leases) do
    texts[2 * k - 1] = fences[k]
    lease.joined = lease.joined or table.concat(lease.numbers, ' ')
    texts[2 * k] = head .. lease.joined .. '|' .. lease.t.name
    ends[2 * k - 1], ends[2 * k] = ends_at, fences[k]
  end
  redis.call('HSET', LEASE, unpack(texts))
  redis.call('ZADD', LEASES, unpack(ends))
  return fences
end
local MOST_PAST_HOLDERS, REST_IN_LENGTHS, LONGEST_IN_LEASES = 10, 10, 64
local LOOK_AGAIN_MS = 1000
local MOST_HURRIED = 100
function F.forget_alone(caller)
  local m = redis.call('HMGET', META, 'aloneJobs', 'aloneBy', 'alonePast', 'aloneRest', 'aloneRun')
  if not (m[2] or m[3] or m[4] or m[5]) or tonumber(m[1] or '0') > 0 then return end
  redis.call('HDEL', META, 'aloneBy', 'aloneTil', 'aloneFor', 'alonePast')
  if not m[5] then
    redis.call('HDEL', META, 'aloneRest')
  else
    F.turn_of_others(caller)
  end
end
function F.note_done(t, numbers, extras)
  if not extras then
    if not t.done then
      t.done = numbers
      return
    end
    for _, number in ipairs(numbers) do t.done[#t.done + 1] = number end
    return
  end
  local left = t.left or { numbers = {}, ids = {}, details = {} }
  local ids, details, n = extras.ids, extras.details, #left.numbers
  for k, number in ipairs(numbers) do
    left.numbers[n + k] = number
    left.ids[n + k] = ids and ids[k] or ''
    left.details[n + k] = details and details[k] or ''
  end
  t.left = left
end
function F.forget_records(t, numbers)
  local others = t.ends_in_bundles and F.leave_bundles(t, numbers) or numbers
  if #others == 0 then return end
  redis.call('HDEL', t.jobs, unpack(others))
  redis.call('SREM', t.claimed, unpack(others))
end
function F.forget_done(t, numbers)
  if F.exists(PROGRESS) then redis.call('HDEL', PROGRESS, unpack(numbers)) end
  if F.exists(t.tries) then
    redis.call('HDEL', t.tries, unpack(numbers))
    redis.call('HDEL', t.errors, unpack(numbers))
  end
  redis.call('HINCRBY', t.stats, 'completed', #numbers)
end
function F.complete_plain(t)
  if t.ended_here then redis.call('HINCRBY', t.stats, 'completed', t.ended_here) end
  local numbers = t.done or {}
  if #numbers == 0 then return end
  F.forget_records(t, numbers)
  F.forget_done(t, numbers)
end
function F.complete_left(t, keep, now_ms)
  local left = t.left
  if not left or #left.numbers == 0 then return end
  local numbers, rule, at = left.numbers, keep.completed, F.whole(math.floor(now_ms))
  local from, size = 1, 16
  while rule[2] > 0 and from <= #numbers do
    local to = math.min(from + size - 1, #numbers)
    local some, details = { unpack(numbers, from, to) }, { unpack(left.details, from, to) }
    local largest = F.keep_some(t, some, details, at)
    from, size = to + 1, math.max(1, math.min(500, math.floor(MOST_BYTES / largest)))
  end
  if rule[2] > 0 then
    F.bound_later(t.completed, t.ended, rule[2], t.stats, #numbers)
  else
    F.forget_records(t, numbers)
  end
  F.forget_done(t, numbers)
  F.remember_ends(t, left.ids, numbers, 'completed', keep, now_ms)
end
local BACK_PIECE = 20
function F.single_out_members(t, lease, first, n)
  if not lease or not F.bundles_of(t) then return end
  local numbers = {}
  for k = 0, n - 1 do
    local number = ARGV[first + 6 * k]
    if F.place_of_member(lease, number) then numbers[#numbers + 1] = number end
  end
  if lease.slice then F.single_out_of_slice(lease, numbers) else F.single_out(t, numbers) end
end
function F.settle_completed(t, lease, joined, extras, keep, now)
  if not lease then return 'L' end
  local is_plain = not F.exists(CANCELS) and not extras
  if lease.slice and is_plain and F.end_in_slice(lease, joined) then
    if F.exists(PROGRESS) then
      redis.call('HDEL', PROGRESS, unpack(F.numbers_in(F.as_numbers(joined))))
    end
    return 'C'
  end
  joined = F.as_numbers(joined)
  t.ends_in_bundles = t.ends_in_bundles or lease.slice
  local numbers = F.numbers_in(joined)
  if #numbers == 0 then return 'C' end
  if not F.exists(CANCELS) and F.drop_first(lease, joined) then
    F.note_done(t, numbers, extras)
    return 'C'
  end
  local marks = F.exists(CANCELS) and redis.call('HMGET', CANCELS, unpack(numbers)) or {}
  local done, states, left = {}, {}, extras and { ids = {}, details = {} }
  local ids, details = extras and extras.ids or {}, extras and extras.details or {}
  for k, number in ipairs(numbers) do
    local at = F.place_of_member(lease, number)
    if not at then
      states[k] = 'l'
    else
      F.drop_member(lease, at)
      if marks[k] then
        F.single_out(t, { number })
        local job = { number = number, outcome = 'c', id = ids[k] or '', detail = '{}' }
        states[k] = F.settle_one(t, job, keep, now)
      else
        local n = #done + 1
        done[n], states[k] = number, 'c'
        if left then left.ids[n], left.details[n] = ids[k] or '', details[k] or '' end
      end
    end
  end
  F.note_done(t, done, left)
  return #done == #numbers and 'C' or table.concat(states, ',')
end
R[#R + 1] = function()
function F.clamp_leases(now_ms, shortest)
  local after = '(' .. F.whole(math.floor(now_ms + shortest))
  local far = redis.call('ZRANGEBYSCORE', LEASES, after, '+inf', 'WITHSCORES', 'LIMIT', 0, 1000)
  for k = 1, #far, 2 do
    local length = tonumber(string.match(redis.call('HGET', LEASE, far[k]) or '', '^(%d+)|'))
    local latest = math.floor(now_ms + (length or shortest))
    if tonumber(far[k + 1]) > latest then redis.call('ZADD', LEASES, F.whole(latest), far[k]) end
  end
end
function F.take_numbers(field, count, now)
  return F.raised(field, tonumber(redis.call('HGET', META, field) or '0'), count, now)
end
function F.digits_near(n)
  local low = n % 10000
  local high = (n - low) / 10000
  local head, d = heads[high], low % 100
  if not head then
    head = string.format('%012.0f', high)
    heads[high] = head
  end
  local c = (low - d) / 50
  local sub = string.sub
  return head .. sub(TWO_DIGITS, c + 1, c + 2) .. sub(TWO_DIGITS, 2 * d + 1, 2 * d + 2)
end
function F.written(key)
  seen_rare[key] = true
end
function F.packed(number)
  local n = tonumber(number) or 0
  if n < PACKED_FROM then return '\\0' .. number end
  if n >= PACKED_BELOW then return '\\255' .. number end
  n = n - PACKED_FROM
  local f = n % 256
  n = (n - f) / 256
  local e = n % 256
  n = (n - e) / 256
  local d = n % 256
  n = (n - d) / 256
  local c = n % 256
  n = (n - c) / 256
  local b = n % 256
  return string.char((n - b) / 256 + 1, b, c, d, e, f)
end
function F.unpacked(name)
  local a, b, c, d, e, f = string.byte(name, 1, 6)
  if a == 0 or a == 255 then return string.sub(name, 2) end
  local n = (((((a - 1) * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
  return F.digits_near(PACKED_FROM + n)
end
function F.is_later(t, number)
  return redis.call('HEXISTS', t.later, F.packed(number)) == 1
end
function F.due_of_later(t, number)
  return redis.call('ZSCORE', t.due, F.packed(number))
end
function F.priority_of(record)
  if not string.find(record, '"p":', 1, true) then return '0' end
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return '0' end
  return string.match(string.sub(record, 1, stop - 1), '"p":(-?%d+)') or '0'
end
function F.counts_in(text)
  if not text then return 0, 0, 0, 0, 0 end
  local f, c, h, row, inv = string.match(text, '^(%d+),(%d+),(%d+),(%d+),(%d+)$')
  return tonumber(f), tonumber(c), tonumber(h), tonumber(row), tonumber(inv)
end
function F.counts_of(t, number)
  return F.counts_in(F.exists(t.tries) and redis.call('HGET', t.tries, number))
end
function F.counts_text(f, c, h, row, inv)
  return string.format('%d,%d,%d,%d,%d', f, c, h, row, inv)
end
function F.set_counts(t, number, counts)
  F.written(t.tries)
  redis.call('HSET', t.tries, number, counts)
end
function F.last_in_line(number, order)
  return order == number and '1' .. number or '1' .. order .. ':' .. number
end
function F.join(t, number, priority, row, now, order)
  if row >= ALONE_AFTER then
    F.written(t.alone)
    redis.call('RPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('RPUSH', t.ready, number)
  else
    F.written(t.prio)
    order = order or F.digits(F.take_numbers('number', 1, now))
    redis.call('ZADD', t.prio, priority, F.last_in_line(number, order))
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
function F.join_front(t, number, priority, row)
  if row >= ALONE_AFTER then
    F.written(t.alone)
    redis.call('LPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('LPUSH', t.ready, number)
  else
    F.written(t.prio)
    redis.call('ZADD', t.prio, priority, '0' .. number)
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
function F.put_all_later(t, numbers, records, dues)
  local fields, index, soonest, before = {}, {}, math.huge, nil
  for k, number in ipairs(numbers) do
    local name, due = F.packed(number), dues[k]
    fields[2 * k - 1], fields[2 * k] = name, records[k]
    index[2 * k - 1], index[2 * k] = due, name
    if due ~= before then soonest, before = math.min(soonest, tonumber(due)), due end
  end
  F.written(t.due)
  redis.call('HSET', t.later, unpack(fields))
  redis.call('ZADD', t.due, unpack(index))
  if redis.call('ZADD', MOMENTS, 'LT', 'CH', F.exact(soonest), t.name) > 0 then F.wake_one(t) end
end
function F.put_later(t, number, record, due_ms)
  F.put_all_later(t, { number }, { record }, { due_ms })
end
function F.bound(index, hash, count, stats, most)
  local over = redis.call('ZCARD', index) - count
  if over <= 0 then return end
  local oldest = redis.call('ZPOPMIN', index, math.min(over, most))
  local names = {}
  for k = 1, #oldest, 2 do names[#names + 1] = oldest[k] end
  redis.call('HDEL', hash, unpack(names))
  redis.call('HINCRBY', stats, 'dropped', #oldest / 2)
end
function F.bound_later(index, hash, count, stats, added)
  local known = added_to[index]
  if known then
    known.added = known.added + added
  else
    added_to[index] = { hash = hash, count = count, stats = stats, added = added }
  end
end
function F.remember_ends(t, ids, numbers, state, keep, now_ms)
  local named, owners = {}, {}
  for k, id in ipairs(ids) do
    if id ~= '' then named[#named + 1], owners[#named + 1] = id, numbers[k] end
  end
  if #named == 0 then return end
  local entries, ours = redis.call('HMGET', t.ids, unpack(named)), {}
  local letter, kept_ms = ':' .. STATE_LETTER[state], keep[state][2] > 0 and keep[state][1] or 0
  local fields, index, til = {}, {}, F.whole(math.floor(now_ms) + math.max(keep.idMs, kept_ms))
  for k, id in ipairs(named) do
    local number, entry = owners[k], entries[k]
    if not entry or entry == number or string.match(entry, '^%d+') == number then
      local n = #ours + 1
      ours[n], fields[2 * n - 1], fields[2 * n] = id, id, number .. letter
      index[2 * n - 1], index[2 * n] = til, id
    end
  end
  if #ours == 0 then return end
  if math.max(keep.idMs, kept_ms) <= 0 then
    redis.call('HDEL', t.ids, unpack(ours))
    return
  end
  redis.call('HSET', t.ids, unpack(fields))
  redis.call('ZADD', t.idends, unpack(index))
  F.bound_later(t.idends, t.ids, keep.idCount, t.stats, #ours)
end
function F.ended_text(letter, at, counts, detail, record)
  return letter .. '|' .. at .. '|' .. (counts or '') .. '|' .. detail .. '\\n' .. record
end
function F.end_job(t, number, state, id, detail, keep, now_ms, record)
  now_ms = math.floor(now_ms)
  local rule = keep[state]
  if rule[2] > 0 then
    record = record or redis.call('HGET', t.jobs, number)
    if record then
      local at, counts = F.whole(now_ms), F.exists(t.tries) and redis.call('HGET', t.tries, number)
      local text = F.ended_text(STATE_LETTER[state], at, counts, detail, record)
      redis.call('HSET', t.ended, number, text)
      redis.call('ZADD', t[state], at, number)
      F.bound_later(t[state], t.ended, rule[2], t.stats, 1)
    end
  end
  redis.call('HDEL', t.jobs, number)
  redis.call('SREM', t.claimed, number)
  if F.exists(t.tries) and redis.call('HDEL', t.tries, number) == 1 then
    redis.call('HDEL', t.errors, number)
  end
  if F.exists(CANCELS) then redis.call('HDEL', CANCELS, number) end
  if F.exists(PROGRESS) then redis.call('HDEL', PROGRESS, number) end
  redis.call('HINCRBY', t.stats, state, 1)
  if id ~= '' then F.remember_ends(t, { id }, { number }, state, keep, now_ms) end
end
function F.due_of(text, now_ms)
  if text == '' then return nil end
  local ms = tonumber(string.sub(text, 2))
  if string.sub(text, 1, 1) == '+' then ms = now_ms + ms end
  if ms <= now_ms then return nil end
  return F.exact(math.ceil(ms * 1000) / 1000)
end
function F.known_text(t, id, now_ms)
  local there, state, due = known(t, id, now_ms)
  return there and there .. ',0,' .. state .. ',' .. due or nil
end
function F.name_job(t, id, number)
  redis.call('HSET', t.ids, id, number)
  redis.call('ZREM', t.idends, id)
end
function F.save_job(t, number, job, now_ms)
  if job.id ~= '' then
    local there = F.known_text(t, job.id, now_ms)
    if there then return there, false end
    F.name_job(t, job.id, number)
  end
  redis.call('HINCRBY', t.stats, 'pushed', 1)
  local due = F.due_of(job.due, now_ms)
  if due then
    F.put_later(t, number, job.record, due)
    return number .. ',1,s,' .. due, false
  end
  redis.call('HSET', t.jobs, number, job.record)
  F.join(t, number, job.priority, 0, nil, number)
  return number .. ',1,r,', true
end
function F.numbers_lettered(bundle, letters, letter, from, to)
  local numbers, sub, find = {}, string.sub, string.find
  local at, stop = find(letters, letter, (from or 0) + 1, true), (to or 99) + 1
  while at and at <= stop do
    numbers[#numbers + 1] = bundle .. sub(TWO_DIGITS, 2 * at - 1, 2 * at)
    at = find(letters, letter, at + 1, true)
  end
  return numbers
end
function F.place_in_bundle(b, number)
  local bundle = string.sub(number, 1, BUNDLE_SIZE)
  local states = b.states[bundle]
  if not states or #number ~= NUMBER_SIZE then return nil end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1))
  if not place then return nil end
  local letter = string.sub(states, place + 1, place + 1)
  if letter ~= 'r' and letter ~= 'a' then return nil end
  return bundle, place, letter
end
function F.read_states_of(t, numbers)
  local bundles, before, wanted = {}, nil, t.bundled.wanted
  for _, number in ipairs(numbers) do
    local bundle = string.sub(number, 1, BUNDLE_SIZE)
    if bundle ~= before then bundles[#bundles + 1], before = bundle, bundle end
    wanted[bundle] = (wanted[bundle] or 0) + 1
  end
  F.read_states(t.bundled, t.bundles, bundles)
end
function F.records_in(t, bundle)
  local b = t.bundled
  b.records = b.records or {}
  if b.records[bundle] then return b.records[bundle] end
  local text, records, from = F.read_text(t, bundle), {}, 1
  while text do
    local stop = string.find(text, '\\0', from, true)
    records[#records + 1] = string.sub(text, from, (stop or 0) - 1)
    if not stop then break end
    from = stop + 1
  end
  b.records[bundle] = records
  return records
end
function F.record_in(t, bundle, place)
  if t.bundled.wanted[bundle] > FEW_WANTED then return F.records_in(t, bundle)[place + 1] end
  local text = F.read_text(t, bundle)
  local record = text and F.text_between(text, place, place)
  return record ~= '' and record or nil
end
function F.records_of(t, numbers)
  local records = redis.call('HMGET', t.jobs, unpack(numbers))
  if not F.bundles_of(t) then return records end
  F.read_states_of(t, numbers)
  for k, number in ipairs(numbers) do
    local bundle, place = F.place_in_bundle(t.bundled, number)
    records[k] = records[k] or bundle and F.record_in(t, bundle, place) or false
  end
  return records
end
function F.by_bundle(numbers)
  local places, bundles, others, sub, byte = {}, {}, {}, string.sub, string.byte
  for k = 1, #numbers do
    local number = numbers[k]
    local tens, ones = byte(number, BUNDLE_SIZE + 1, BUNDLE_SIZE + 2)
    if #number == NUMBER_SIZE and tens >= 48 and ones >= 48 and tens <= 57 and ones <= 57 then
      local bundle = sub(number, 1, BUNDLE_SIZE)
      local here = places[bundle]
      if not here then
        here = {}
        places[bundle], bundles[#bundles + 1] = here, bundle
      end
      here[#here + 1] = 10 * tens + ones - 528
    else
      others[#others + 1] = number
    end
  end
  return places, bundles, others
end
function F.leave_bundles(t, numbers)
  local b = F.bundles_of(t)
  if not b then return numbers end
  local places, bundles, others = F.by_bundle(numbers)
  F.read_states(b, t.bundles, bundles)
  for _, bundle in ipairs(bundles) do
    local letters, here = b.states[bundle], places[bundle]
    local all, left, running = letters and { string.byte(letters, 1, -1) }, 0, 0
    for k = 1, #here do
      local letter = all and all[here[k] + 1]
      if letter == LETTER_R or letter == LETTER_A then
        all[here[k] + 1], left = LETTER_GONE, left + 1
        if letter == LETTER_A then running = running + 1 end
      else
        others[#others + 1] = bundle .. string.format('%02d', here[k])
      end
    end
    b.jobs, b.running = b.jobs - left, b.running - running
    if left > 0 then F.set_states(b, bundle, string.char(unpack(all))) end
  end
  return others
end
function F.single_out(t, numbers)
  if not F.bundles_of(t) then return end
  local fields, running, singled = {}, {}, {}
  F.read_states_of(t, numbers)
  for _, number in ipairs(numbers) do
    local bundle, place, letter = F.place_in_bundle(t.bundled, number)
    local record = bundle and F.record_in(t, bundle, place)
    if record then
      singled[#singled + 1] = number
      fields[#fields + 1], fields[#fields + 2] = number, record
      if letter == 'a' then running[#running + 1] = number end
    end
  end
  if #fields == 0 then return end
  redis.call('HSET', t.jobs, unpack(fields))
  if #running > 0 then redis.call('SADD', t.claimed, unpack(running)) end
  F.leave_bundles(t, singled)
  F.save_bundles(t)
end
function F.members_of_slice(lease)
  local letters = F.letters_of(lease)
  if not letters then return {} end
  return F.numbers_lettered(lease.slice[1], letters, 'a', lease.slice[2], lease.slice[3])
end
function F.may_be_in_slice(lease, numbers)
  local found, letters = {}, #numbers > 0 and F.letters_of(lease)
  for _, number in ipairs(numbers) do
    local place = #number == NUMBER_SIZE and tonumber(string.sub(number, BUNDLE_SIZE + 1))
    local is_named = place and lease.t and place >= lease.slice[2] and place <= lease.slice[3]
    if is_named and (not letters or string.byte(letters, place + 1) == LETTER_A) then
      found[#found + 1] = number
    end
  end
  return found
end
function F.place_in_slice(lease, number)
  local bundle, from, to = lease.slice[1], lease.slice[2], lease.slice[3]
  if #number ~= BUNDLE_SIZE + 2 or string.sub(number, 1, BUNDLE_SIZE) ~= bundle then return nil end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1))
  if not place or place < from or place > to then return nil end
  if lease.dropped and lease.dropped[number] then return nil end
  if lease.singled and lease.singled[number] then return number end
  local letters = F.letters_of(lease)
  return letters and string.byte(letters, place + 1) == LETTER_A and number or nil
end
function F.drop_of_slice(lease, number)
  lease.dropped = lease.dropped or {}
  lease.dropped[number] = true
end
function F.single_out_of_slice(lease, numbers)
  F.single_out(lease.t, numbers)
  lease.singled = lease.singled or {}
  for _, number in ipairs(numbers) do lease.singled[number] = true end
end
function F.forget_progress(lease)
  local slice, said, gone = lease.slice, {}, {}
  local numbers = F.numbers_in(F.spelled(slice[1], slice[2], slice[3]))
  for k, text in ipairs(redis.call('HMGET', PROGRESS, unpack(numbers))) do
    if text then said[#said + 1] = numbers[k] end
  end
  for _, number in ipairs(said) do
    local is_here = lease.t and redis.call('HEXISTS', lease.t.jobs, number) == 1
    if not is_here then gone[#gone + 1] = number end
  end
  if #gone > 0 then redis.call('HDEL', PROGRESS, unpack(gone)) end
end
function F.members_of(lease)
  if lease.slice then return F.members_of_slice(lease) end
  return F.numbers_in(string.sub(lease.text, lease.from, lease.to))
end
function F.without_cuts(text, cuts, between)
  local places = {}
  for at in pairs(cuts) do places[#places + 1] = at end
  table.sort(places)
  local pieces, from = {}, 1
  for k, at in ipairs(places) do
    pieces[k] = string.sub(text, from, at - 1)
    from = at + cuts[at] + 1
  end
  pieces[#pieces + 1] = string.sub(text, from)
  local left = table.concat(pieces)
  return string.byte(left, -1) == between and string.sub(left, 1, -2) or left
end
function F.named_in(lease, wanted, by_bundles)
  if lease.slice then return F.may_be_in_slice(lease, by_bundles[lease.slice[1]] or {}) end
  local named = {}
  for _, number in ipairs(F.members_of(lease)) do
    if wanted[number] then named[#named + 1] = number end
  end
  return named
end
function F.walk_leases(t, wanted, cursor, most_bytes, each)
  local bytes, by_bundles = 0, {}
  for number in pairs(wanted) do
    local bundle = string.sub(number, 1, BUNDLE_SIZE)
    by_bundles[bundle] = by_bundles[bundle] or {}
    table.insert(by_bundles[bundle], number)
  end
  repeat
    local page = redis.call('HSCAN', LEASE, cursor, 'COUNT', LEASES_PER_PAGE)
    for k = 1, #page[2], 2 do
      local text = page[2][k + 1]
      local bundle = string.match(text, OF_A_BUNDLE)
      local lease = (not bundle or by_bundles[bundle]) and F.parse_lease(page[2][k], text)
      bytes = bytes + #text + BYTES_PER_LEASE
      if lease then
        if lease.task == t.name then lease.t = t end
        for _, number in ipairs(F.named_in(lease, wanted, by_bundles)) do each(number, lease) end
      end
    end
    cursor = page[1]
  until cursor == '0' or next(wanted) == nil or bytes >= most_bytes
  return cursor
end
function F.leases_of(t, numbers, most_bytes)
  local wanted, leases = {}, {}
  for _, number in ipairs(numbers) do wanted[number] = true end
  F.walk_leases(t, wanted, '0', most_bytes, function(number, lease)
    leases[number], wanted[number] = lease, nil
  end)
  return leases
end
function F.stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end
function F.group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end
function F.member_of(s)
  return s.wake and F.group_of(s) .. F.stamp(s.wake) .. s.id or nil
end
function F.parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = F.member_of(s), F.group_of(s)
  return s
end
function F.read_schedule(id)
  local texts = redis.call('HMGET', SCHEDULES, 'd' .. id, 's' .. id)
  return texts[1] and F.parse_schedule(id, texts[1], texts[2]) or nil
end
function F.lines_of(field)
  local lines = {}
  for line in string.gmatch(redis.call('HGET', SCHEDULES, field) or '', '[^\\n]+') do
    lines[#lines + 1] = line
  end
  return lines
end
function F.load_fired(s)
  if s.fired_lines then return end
  s.fired_lines, s.last_fired = F.lines_of('f' .. s.id), -math.huge
  for _, line in ipairs(s.fired_lines) do
    s.last_fired = math.max(s.last_fired, tonumber(string.match(line, '^%S+')))
  end
end
function F.note_fired(s, at, number, how)
  F.load_fired(s)
  local lag = tonumber(number) - at * 1000
  s.fired_lines[#s.fired_lines + 1] =
    string.format('%.0f %.0f %s %s', at, lag, how, INSTANCE)
  s.last_fired, s.fired_changed = math.max(s.last_fired, at), true
end
function F.write_lines(field, lines)
  local from = math.max(1, #lines - MOST_KEPT + 1)
  redis.call('HSET', SCHEDULES, field, table.concat(lines, '\\n', from))
end
function F.write_ledger(s)
  if s.fired_changed then F.write_lines('f' .. s.id, s.fired_lines) end
  if s.passed_changed then F.write_lines('u' .. s.id, s.passed_lines) end
  s.fired_changed, s.passed_changed = false, false
end
function F.occurrence_of(entry)
  local at, catchup, missed, how = string.match(entry, '^(%S+),(%d),(%d+),(%a)$')
  if not at then return nil end
  return { at = tonumber(at), catchup = catchup == '1', missed = tonumber(missed), how = how }
end
function F.write_text(field, text)
  if text == '' then
    redis.call('HDEL', SCHEDULES, field)
  else
    redis.call('HSET', SCHEDULES, field, text)
  end
end
function F.waiting_in(buffer)
  if buffer == '' then return 0 end
  local n, at = 1, string.find(buffer, ' ', 1, true)
  while at do n, at = n + 1, string.find(buffer, ' ', at + 1, true) end
  return n
end
function F.cut_first(text, between)
  local stop = string.find(text, between, 1, true)
  if not stop then return text, '' end
  return string.sub(text, 1, stop - 1), string.sub(text, stop + 1)
end
function F.number_in(line)
  return string.match(line, '^%d+')
end
function F.load_overlap(t, s)
  if s.open then return end
  s.open, s.opened = redis.call('HGET', SCHEDULES, 'o' .. s.id) or '', {}
  s.buffer, s.buffered = redis.call('HGET', SCHEDULES, 'b' .. s.id) or '', {}
  s.waiting = F.waiting_in(s.buffer)
  for _ = 1, MOST_SOUGHT do
    local line, rest = F.cut_first(s.open, '\\n')
    local number = F.number_in(line)
    if line == '' or (number and (redis.call('HEXISTS', t.jobs, number) == 1
      or F.is_later(t, number))) then
      return
    end
    s.open = rest
  end
end
function F.has_open(s)
  return s.open ~= '' or #s.opened > 0
end
function F.write_overlap(s)
  if not s.open then return end
  F.write_text('o' .. s.id, joined(s.open, s.opened, '\\n'))
  F.write_text('b' .. s.id, joined(s.buffer, s.buffered, ' '))
end
function F.json_id(s, o)
  return string.match(s.head, '"s":"(.*)"$') .. '@' .. F.whole(o.at)
end
function F.record_of(s, o, tracked)
  s.payload = s.payload or redis.call('HGET', SCHEDULES, 'p' .. s.id) or ''
  local head = s.head
  if o.how == 'b' then
    head = '{"i":"' .. F.json_id(s, o) .. '",' .. string.sub(head, 2)
  end
  return table.concat({
    head, ',"o":', F.whole(o.at), o.catchup and ',"c":1' or '',
    o.missed > 0 and ',"m":' .. F.whole(o.missed) or '', tracked and ',"x":1' or '', '}\\n',
    s.payload,
  })
end
function F.make_job(t, s, o, tracked, now)
  local number = F.digits(F.take_numbers('number', 1, now))
  local record = F.record_of(s, o, tracked)
  local id = o.how == 'b' and s.id .. '@' .. F.whole(o.at) or ''
  local job = { id = id, due = '', priority = F.priority_of(record), record = record }
  local answer, created = F.save_job(t, number, job, now / 1000)
  if created then
    F.note_fired(s, o.at, number, o.how)
    if tracked then
      F.load_overlap(t, s)
      s.opened[#s.opened + 1] = id == '' and number or number .. ' "' .. F.json_id(s, o) .. '"'
    end
  end
  return answer, created, #record
end
function F.release(t, s, now)
  local released = false
  s.buffer, s.buffered = joined(s.buffer, s.buffered, ' '), {}
  while not F.has_open(s) and s.buffer ~= '' do
    local entry
    entry, s.buffer = F.cut_first(s.buffer, ' ')
    s.waiting = s.waiting - 1
    local o = F.occurrence_of(entry)
    if o then
      local _, created = F.make_job(t, s, o, true, now)
      released = released or created
    end
  end
  return released
end
function F.place_of_line(text, number, from)
  local at = string.find(text, number, from, true)
  while at do
    local before, after = string.byte(text, at - 1), string.byte(text, at + #number)
    if (at == 1 or before == 10) and (not after or after == 10 or after == 32) then
      return at, (string.find(text, '\\n', at, true) or #text + 1) - at
    end
    at = string.find(text, number, at + 1, true)
  end
end
function F.job_ended(t, id, number, now)
  local known = over[id]
  if not known then
    local text = redis.call('HGET', SCHEDULES, 'o' .. id) or ''
    known = { text = text, cuts = {}, left = #text, last = 1 }
    over[id] = known
  end
  local at, size = F.place_of_line(known.text, number, known.last)
  if not at then at, size = F.place_of_line(known.text, number, 1) end
  if not at or known.cuts[at] then return end
  known.cuts[at], known.last, known.left = size, at, known.left - size - 1
  if known.left > 0 then return end
  over[id] = nil
  redis.call('HDEL', SCHEDULES, 'o' .. id)
  if redis.call('HEXISTS', SCHEDULES, 'b' .. id) == 0 then return end
  local s = F.read_schedule(id)
  if not s or s.task ~= t.name then return end
  s.open, s.opened = '', {}
  s.buffer, s.buffered = redis.call('HGET', SCHEDULES, 'b' .. id) or '', {}
  s.waiting = F.waiting_in(s.buffer)
  local released = F.release(t, s, now)
  F.write_overlap(s)
  F.write_ledger(s)
  if released then F.wake_one(t) end
end
function F.join_by_priority(t, jobs, now)
  local orders, members = F.digits_from(F.take_numbers('number', #jobs, now), #jobs), {}
  for k, job in ipairs(jobs) do
    members[2 * k - 1], members[2 * k] = job[2], '1' .. orders[k] .. ':' .. job[1]
  end
  F.written(t.prio)
  redis.call('ZADD', t.prio, unpack(members))
end
function F.promote_some(t, due, now_ms)
  local budget, fields, plain, others = promote_budget, {}, {}, {}
  local numbers = {}
  for k, name in ipairs(due) do numbers[k] = F.unpacked(name) end
  local tries = F.exists(t.tries) and redis.call('HMGET', t.tries, unpack(numbers)) or {}
  local records = redis.call('HMGET', t.later, unpack(due))
  redis.call('ZREM', t.due, unpack(due))
  redis.call('HDEL', t.later, unpack(due))
  for k, number in ipairs(numbers) do
    local record = records[k]
    if record then
      budget.bytes = budget.bytes - #record
      fields[#fields + 1], fields[#fields + 2] = number, record
      local row = tonumber(tries[k] and string.match(tries[k], '^%d+,%d+,%d+,(%d+)') or '0')
      local priority = F.priority_of(record)
      if row >= ALONE_AFTER then
        F.join(t, number, priority, row, now_ms * 1000)
      elseif priority == '0' then
        plain[#plain + 1] = number
      else
        others[#others + 1] = { number, priority }
      end
    end
  end
  if #fields > 0 then redis.call('HSET', t.jobs, unpack(fields)) end
  if #plain > 0 then redis.call('RPUSH', t.ready, unpack(plain)) end
  if #others > 0 then F.join_by_priority(t, others, now_ms * 1000) end
  if #plain + #others > 0 then redis.call('ZADD', MOMENTS, 0, t.name) end
end
function F.surplus_in_line(t)
  local b = F.bundles_of(t)
  return b and b.jobs - b.running - b.entries or 0
end
function F.part_front(t, entry)
  local b, bundle, from, to = t.bundled, F.slice_in(entry)
  local numbers = {}
  redis.call('LPOP', t.ready)
  b.entries, b.is_changed = b.entries - 1, true
  if bundle then
    F.read_states(b, t.bundles, { bundle })
    numbers = F.numbers_lettered(bundle, b.states[bundle] or '', 'r', from, to)
  end
  if #numbers == 0 then
    F.save_bundles(t)
    return false
  end
  F.single_out(t, numbers)
  table.sort(numbers, function(a, b) return a > b end)
  redis.call('LPUSH', t.ready, unpack(numbers))
  return true
end
function F.cut_run(t, letters, bundle, from, to)
  local b, first = t.bundled, string.find(letters, 'r', from + 1, true)
  if not first or first > to + 1 then return nil end
  local stop = string.find(letters, '[^r]', first) or #letters + 1
  if stop > to + 1 then return first - 1, to end
  redis.call('LPUSH', t.ready, F.slice_text(bundle, stop - 1, to))
  b.entries, b.is_changed = b.entries + 1, true
  return first - 1, stop - 2
end
function F.put_back(t, number, entries, k)
  local member = entries and entries.members[k]
  if member then
    redis.call('ZADD', t.prio, entries.scores[k], member)
  else
    redis.call('LPUSH', t.ready, number)
  end
end
function F.drop_doubled(t, numbers, records, from, n)
  local running, left = F.leases_of(t, { unpack(numbers, from, n) }, math.huge), from - 1
  for k = 1, left do running[numbers[k]] = true end
  for k = from, n do
    local number = numbers[k]
    if not running[number] then
      running[number], left = true, left + 1
      numbers[left], records[left] = number, records[k]
    end
  end
  for k = left + 1, n do numbers[k], records[k] = nil, nil end
  return left
end
function F.part_of(t, limit, identity)
  local others = redis.call('SCARD', t.sleepers)
  if others > 0 then others = others - redis.call('SISMEMBER', t.sleepers, identity) end
  if others == 0 or limit == 1 then return limit end
  local ready = redis.call('LLEN', t.ready) + F.surplus_in_line(t)
  if F.exists(t.prio) then ready = ready + redis.call('ZCARD', t.prio) end
  local part = math.ceil(ready / (1 + math.min(others, MOST_SHARERS)))
  return math.min(limit, math.max(1, part))
end
function F.take_alone(t)
  if not F.has_alone(t) then return nil end
  local number = redis.call('LPOP', t.alone)
  redis.call('HINCRBY', META, 'aloneJobs', -1)
  redis.call('SADD', t.claimed, number)
  return number, redis.call('HGET', t.jobs, number)
end
function F.past_holders(caller, text, by, til, length_ms)
  local past = {}
  for holder, rest_til, length in string.gmatch(text or '', '(%S+)=(%d+)/?(%d*)') do
    past[holder] = { til = tonumber(rest_til), length_ms = tonumber(length) or caller.lease_ms }
  end
  if by then past[by] = { til = til + REST_IN_LENGTHS * length_ms, length_ms = length_ms } end
  return past
end
function F.past_text(past)
  local holders = {}
  for holder in pairs(past) do holders[#holders + 1] = holder end
  table.sort(holders, function(a, b)
    if past[a].til == past[b].til then return a < b end
    return past[a].til > past[b].til
  end)
  local parts = {}
  for k = 1, math.min(#holders, MOST_PAST_HOLDERS) do
    local one = past[holders[k]]
    parts[k] = holders[k] .. '=' .. F.whole(one.til) .. '/' .. F.whole(one.length_ms)
  end
  return table.concat(parts, ' ')
end
function F.next_length(caller, mine, past)
  local shortest, n = math.huge, 0
  for _, one in pairs(past) do shortest, n = math.min(shortest, one.length_ms), n + 1 end
  local before = mine and mine.length_ms or n >= MOST_PAST_HOLDERS and shortest or 0
  local most = LONGEST_IN_LEASES * caller.lease_ms
  return math.max(caller.lease_ms, math.min(2 * before, most))
end
function F.reserve_alone(caller)
  local m = redis.call('HMGET', META, 'aloneBy', 'aloneTil', 'alonePast', 'aloneFor')
  local by, til = m[1], tonumber(m[2] or '0')
  local length_ms = tonumber(m[4] or '') or caller.lease_ms
  local furthest = caller.now_ms + (m[4] and length_ms + 1 or caller.lease_ms * 10)
  local stands = til > caller.now_ms and til <= furthest
  if stands and (by == caller.identity or not caller.free) then
    return math.min(til, caller.now_ms + LOOK_AGAIN_MS), by == caller.identity
  end
  local past = F.past_holders(caller, m[3], not stands and by, til, length_ms)
  local mine = past[caller.identity]
  if mine and mine.til > caller.now_ms + (REST_IN_LENGTHS + 1) * mine.length_ms then mine = nil end
  if mine and mine.til > caller.now_ms and not caller.free then
    redis.call('HDEL', META, 'aloneBy', 'aloneTil', 'aloneFor')
    redis.call('HSET', META, 'alonePast', F.past_text(past))
    return caller.now_ms + LOOK_AGAIN_MS, false
  end
  length_ms = F.next_length(caller, mine, past)
  til = math.ceil(caller.now_ms + length_ms)
  redis.call('HSET', META, 'aloneBy', caller.identity, 'aloneTil', F.whole(til),
    'aloneFor', F.whole(length_ms), 'alonePast', F.past_text(past))
  return til, true
end
function F.turn_of_others(caller)
  local m = redis.call('HMGET', META, 'aloneRun', 'aloneRest')
  local fence, since = string.match(m[1] or '', '^(%d+) (%d+)$')
  if fence then
    if redis.call('HEXISTS', LEASE, fence) == 1 then
      return caller.now_ms + caller.lease_ms, true
    end
    local ran_ms = math.max(0, math.min(caller.now_ms - tonumber(since), caller.lease_ms))
    m[2] = F.whole(math.ceil(caller.now_ms + ran_ms))
    redis.call('HDEL', META, 'aloneRun')
    redis.call('HSET', META, 'aloneRest', m[2])
  end
  local til = tonumber(m[2] or '0')
  if til > caller.now_ms and til <= caller.now_ms + caller.lease_ms + 1 then return til, false end
  return nil, false
end
function F.note_run_over(caller, fences)
  local m = redis.call('HMGET', META, 'aloneRun', 'aloneJobs')
  if not fences[string.match(m[1] or '', '^%d+') or ''] then return end
  local til = F.exact(F.turn_of_others(caller) or caller.now_ms)
  if tonumber(m[2] or '0') <= 0 then return end
  local latest = F.exact(caller.now_ms + caller.lease_ms)
  local names = redis.call(
    'ZRANGEBYSCORE', MOMENTS, '(' .. til, latest, 'LIMIT', 0, MOST_HURRIED)
  for _, name in ipairs(names) do redis.call('ZADD', MOMENTS, til, name) end
end
function F.keep_some(t, numbers, details, at)
  local records = F.records_of(t, numbers)
  local counts = F.exists(t.tries) and redis.call('HMGET', t.tries, unpack(numbers)) or {}
  local texts, index, n, largest = {}, {}, 0, 1
  for k, number in ipairs(numbers) do
    local record = records[k]
    if record then
      local detail = details[k] ~= '' and details[k] or '{}'
      texts[n + 1], texts[n + 2] = number, F.ended_text('c', at, counts[k], detail, record)
      index[n + 1], index[n + 2] = at, number
      n, largest = n + 2, math.max(largest, #record)
    end
  end
  F.forget_records(t, numbers)
  if n > 0 then
    redis.call('HSET', t.ended, unpack(texts))
    redis.call('ZADD', t.completed, unpack(index))
  end
  return largest
end
function F.count_failure(t, number, invalid)
  local f, c, h, _, inv = F.counts_of(t, number)
  F.set_counts(t, number, F.counts_text(f + 1, c, h, 0, invalid and inv + 1 or 0))
  redis.call('HINCRBY', t.stats, 'failures', 1)
end
function F.retry_job(t, job, now)
  local number, wait_ms = job.number, job.wait_ms
  local record = redis.call('HGET', t.jobs, number)
  if not record then return 'l' end
  F.count_failure(t, number, job.outcome == 'v')
  redis.call('HSET', t.errors, number, job.detail)
  redis.call('SREM', t.claimed, number)
  if F.exists(PROGRESS) then redis.call('HDEL', PROGRESS, number) end
  if wait_ms <= 0 then
    F.join(t, number, F.priority_of(record), 0, now)
    F.wake_one(t)
    return 'r'
  end
  local due = F.whole(math.ceil(now / 1000 + wait_ms))
  redis.call('HDEL', t.jobs, number)
  F.put_later(t, number, record, due)
  return 's' .. due
end
function F.hand_back(t, numbers)
  F.single_out(t, numbers)
  local records = redis.call('HMGET', t.jobs, unpack(numbers))
  local counts = F.exists(t.tries) and redis.call('HMGET', t.tries, unpack(numbers)) or {}
  local here, tries, plain = {}, {}, {}
  for k, number in ipairs(numbers) do
    if records[k] then
      local f, c, h, row, inv = F.counts_in(counts[k])
      local n, priority = #here + 1, F.priority_of(records[k])
      here[n], tries[2 * n - 1], tries[2 * n] = number, number, F.counts_text(f, c, h + 1, row, inv)
      if priority == '0' and row < ALONE_AFTER then
        plain[#plain + 1] = number
      else
        F.join_front(t, number, priority, row)
      end
    end
  end
  if #here == 0 then return end
  F.written(t.tries)
  redis.call('HSET', t.tries, unpack(tries))
  redis.call('SREM', t.claimed, unpack(here))
  if F.exists(PROGRESS) then redis.call('HDEL', PROGRESS, unpack(here)) end
  if #plain > 0 then redis.call('LPUSH', t.ready, unpack(plain)) end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
function F.hand_back_all(t, identity)
  local numbers = t.back
  table.sort(numbers, function(a, b) return a > b end)
  for from = 1, #numbers, BACK_PIECE do
    F.hand_back(t, { unpack(numbers, from, math.min(from + BACK_PIECE - 1, #numbers)) })
  end
  redis.call('SREM', t.sleepers, identity)
  F.wake_one(t)
end
function F.settle_one(t, job, keep, now)
  local number, outcome, id, detail = job.number, job.outcome, job.id, job.detail
  if F.exists(CANCELS) and redis.call('HDEL', CANCELS, number) == 1 then
    F.end_job(t, number, 'cancelled', id, '{}', keep, now / 1000)
    return 'x'
  elseif outcome == 'c' then
    F.end_job(t, number, 'completed', id, detail, keep, now / 1000)
    return 'c'
  elseif outcome == 'd' or outcome == 'n' or outcome == 'i' then
    if outcome ~= 'i' then F.count_failure(t, number, outcome == 'n') end
    F.end_job(t, number, 'dead', id, detail, keep, now / 1000)
    return 'd'
  end
  return F.retry_job(t, job, now)
end
function F.extras_at(at)
  local ids, details = tonumber(ARGV[at]), nil
  local next_at = at + 1 + ids
  ids = ids > 0 and { unpack(ARGV, at + 1, at + ids) } or nil
  details = tonumber(ARGV[next_at])
  local after = next_at + 1 + details
  details = details > 0 and { unpack(ARGV, next_at + 1, after - 1) } or nil
  return { ids = ids, details = details }, after
end
end
local repeated = F.begin_call('work', ARGV[1], ARGV[2])
if repeated then return repeated end
local identity, idle, lease_ms = ARGV[3], ARGV[4] == '1', tonumber(ARGV[5])
local keep = F.keep_rules(6)
local i = 6 + KEEP_ARGS
local now = now_us()
local now_ms = now / 1000
local task_count = tonumber(ARGV[i])
local tasks = {}
for k = 1, task_count do tasks[k] = F.task_keys(k, ARGV[i + k]) end
i = i + task_count + 1
local settled, runs_over = {}, nil
local ENDED = { c = true, d = true, x = true }
do
  local rare = { CANCELS, PROGRESS }
  for _, t in ipairs(tasks) do
    for _, key in ipairs({ t.tries, t.prio, t.alone, t.due }) do rare[#rare + 1] = key end
  end
  F.ask_for_rare(rare)
end
R[#R + 1] = function()
function F.settle_special(t, lease, first, n)
  local states = {}
  for k = 0, n - 1 do
    local a = first + 6 * k
    local number, outcome = ARGV[a], ARGV[a + 1]
    local at = lease and F.place_of_member(lease, number)
    if not at then
      states[k + 1] = 'l'
    elseif outcome == 'h' and
        not (F.exists(CANCELS) and redis.call('HEXISTS', CANCELS, number) == 1) then
      F.drop_member(lease, at)
      t.back = t.back or {}
      t.back[#t.back + 1] = number
      states[k + 1] = 'h'
    else
      F.drop_member(lease, at)
      local job = { number = number, outcome = outcome, id = ARGV[a + 2], detail = ARGV[a + 4] }
      job.wait_ms = tonumber(ARGV[a + 3])
      local state = F.settle_one(t, job, keep, now)
      states[k + 1] = state
      if ARGV[a + 5] ~= '' and ENDED[string.sub(state, 1, 1)] then
        F.job_ended(t, ARGV[a + 5], number, now)
      end
    end
  end
  return table.concat(states, ',')
end
end
local of_bundles = {}
local groups = tonumber(ARGV[i])
i = i + 1
for _ = 1, groups do
  local t, fence, kind = tasks[tonumber(ARGV[i])], ARGV[i + 1], ARGV[i + 2]
  local n = tonumber(ARGV[i + 3])
  local lease = F.read_lease(fence, t)
  if lease and lease.task ~= t.name then lease = nil end
  local had_counts = F.exists(t.tries)
  i = i + 4
  if kind == 'c' then
    settled[#settled + 1] = F.settle_completed(t, lease, ARGV[i], nil, keep, now)
    i = i + 1
  elseif kind == 'k' then
    local extras, after = F.extras_at(i + 1)
    settled[#settled + 1] = F.settle_completed(t, lease, ARGV[i], extras, keep, now)
    i = after
  else
    F.single_out_members(t, lease, i, n)
    settled[#settled + 1] = F.settle_special(t, lease, i, n)
    i = i + 6 * n
  end
  if lease and lease.slice then
    of_bundles[fence] = lease
  elseif lease then
    F.shrink_lease(lease)
  end
  if had_counts and (not lease or lease.is_over) then
    runs_over = runs_over or {}
    runs_over[fence] = true
  end
end
for _, t in ipairs(tasks) do
  F.complete_plain(t)
  F.complete_left(t, keep, now_ms)
end
F.save_ends()
for _, t in ipairs(tasks) do F.save_bundles(t) end
F.end_slices(of_bundles)
for _, t in ipairs(tasks) do
  if t.back then F.hand_back_all(t, identity) end
end
local caller = {
  identity = identity, now_ms = now_ms, lease_ms = lease_ms, free = ARGV[4] == 'f',
}
if runs_over then F.note_run_over(caller, runs_over) end
local leases, more, drain = {}, {}, false
local budget = { bytes = MOST_BYTES, jobs = MOST_JOBS, hints = MOST_JOBS }
function F.lease_out(index, numbers, records, alone)
  leases[#leases + 1] = {
    t = tasks[index], index = index, numbers = numbers, records = records, alone = alone,
  }
end
function F.lease_slice(index, slice)
  leases[#leases + 1] = {
    t = tasks[index], index = index, joined = slice.joined, text = slice.text, alone = false,
  }
end
function F.lease_in_pieces(index, numbers, records)
  if #numbers == 0 then return end
  if #numbers <= MOST_PER_LEASE then return F.lease_out(index, numbers, records, false) end
  for from = 1, #numbers, MOST_PER_LEASE do
    local to = math.min(from + MOST_PER_LEASE - 1, #numbers)
    F.lease_out(index, { unpack(numbers, from, to) }, { unpack(records, from, to) }, false)
  end
end
function F.claim(c, alone_from)
  local index, t = c.index, tasks[c.index]
  local limit = c.is_fair and F.part_of(t, c.limit, identity) or c.limit
  local lease_singles, crashed = F.exists(t.tries) and F.lease_by_crashes or F.lease_in_pieces, {}
  local count = F.take(t, math.min(limit, budget.jobs), budget,
    function(numbers, records) lease_singles(index, numbers, records, crashed) end,
    function(slice) F.lease_slice(index, slice) end)
  for _, job in ipairs(crashed) do F.lease_out(index, { job[1] }, { job[2] }, false) end
  budget.jobs = budget.jobs - count
  if count > 0 then redis.call('SREM', t.sleepers, identity) end
  if F.update_moment(t, now_ms, alone_from) then
    local is_heard = F.wake_one(t)
    more[#more + 1] = is_heard and limit < c.limit and index .. '~' or index
  end
end
R[#R + 1] = function()
function F.lease_by_crashes(index, numbers, records, crashed)
  local t, calm, calm_records = tasks[index], {}, {}
  local counts = redis.call('HMGET', t.tries, unpack(numbers))
  for k, number in ipairs(numbers) do
    local _, _, _, row = F.counts_in(counts[k])
    if row >= ALONE_AFTER then
      F.written(t.alone)
      redis.call('SREM', t.claimed, number)
      redis.call('RPUSH', t.alone, number)
      redis.call('HINCRBY', META, 'aloneJobs', 1)
    elseif row > 0 then
      crashed[#crashed + 1] = { number, records[k] }
    else
      calm[#calm + 1], calm_records[#calm + 1] = number, records[k]
    end
  end
  F.lease_in_pieces(index, calm, calm_records)
end
function F.claim_alone(claims, first)
  local number, record = F.take_alone(tasks[first.index])
  if not number then return false end
  F.lease_out(first.index, { number }, { record }, true)
  redis.call('HDEL', META, 'aloneBy', 'aloneTil', 'aloneFor', 'alonePast', 'aloneRest')
  for _, c in ipairs(claims) do
    if F.update_moment(tasks[c.index], now_ms, now_ms + lease_ms) then more[#more + 1] = c.index end
  end
  return true
end
end
local claims, claim_count, first = {}, tonumber(ARGV[i]), nil
for k = 1, claim_count do
  local c = { index = tonumber(ARGV[i + 2 * k - 1]), limit = tonumber(ARGV[i + 2 * k]) }
  if not c.limit then
    c.limit, c.is_fair = tonumber(string.sub(ARGV[i + 2 * k], 2)), true
  end
  claims[k] = c
  F.promote(tasks[c.index], now_ms, math.max(c.limit, F.promote_share(claim_count)))
  if not first and c.limit > 0 and F.has_alone(tasks[c.index]) then first = c end
end
R[#R + 1] = function()
function F.has_other_work()
  for _, c in ipairs(claims) do
    local t = tasks[c.index]
    if c.limit > 0 and redis.call('LLEN', t.ready) > 0 then return true end
    if c.limit > 0 and F.exists(t.prio) and redis.call('ZCARD', t.prio) > 0 then return true end
  end
  return false
end
end
local alone_from, taken_alone = nil, false
if first then
  local til, runs = F.turn_of_others(caller)
  if runs or (til and not ((idle or caller.free) and not F.has_other_work())) then
    alone_from = til
  elseif idle then
    taken_alone = F.claim_alone(claims, first)
  else
    alone_from, drain = F.reserve_alone(caller)
  end
elseif claim_count > 0 then
  F.forget_alone(caller)
end
for _, c in ipairs(claims) do
  if drain then
    more[#more + 1] = c.index
  elseif taken_alone then
    break
  elseif budget.jobs > 0 and budget.bytes > 0 and c.limit > 0 then
    F.claim(c, alone_from)
  else
    more[#more + 1] = c.index
  end
end
local fences = F.write_leases(leases, lease_ms, identity, now)
if taken_alone then
  redis.call('HSET', META, 'aloneRun', fences[1] .. ' ' .. F.whole(math.floor(now_ms)))
end
F.save_lengths()
for _, t in ipairs(tasks) do F.save_bundles(t) end
local refs, batches = {}, {}
for k, lease in ipairs(leases) do
  refs[k] = fences[k] .. ':' .. lease.index .. ':' .. (lease.alone and '1' or '0')
  batches[k] = lease.text and { lease.joined, '', lease.text }
    or F.describe_batch(lease.t, lease.numbers, lease.records, lease.joined)
end
local answer = table.concat({
  table.concat(settled, ';'), table.concat(refs, ','), table.concat(more, ','),
  drain and '1' or '0',
}, '|')
F.end_call('work', ARGV[2], answer)
return { answer, unpack(batches) }
`,
  },
};
