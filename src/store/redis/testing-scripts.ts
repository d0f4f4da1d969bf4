/** The scripts with a clock that tests move by hand. Generated from protocol/lua by `npm run build:lua`; change the .lua files instead. */
import type { Script, Verb } from "./scripts.js";

export const testScripts: Readonly<Record<Verb, Script>> = {
  "cancel": {
    sha1: "6e5ccc01b76ad725ba6652b11c85d47097f1a731",
    text: `#!lua flags=allow-oom
local function now_us()
  local time = redis.call('TIME')
  local offset_ms = redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'test:offset')
  return time[1] * 1000000 + time[2] + (tonumber(offset_ms or '0')) * 1000
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS, SESSION = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SHARD_KEYS = 10
local TASK_KEYS = 17
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], running = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17],
  }
end
local function whole(n)
  return string.format('%.0f', n)
end
local function wake_one(t)
  for _ = 1, 3 do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return end
    if redis.call('PUBLISH', CHANNEL .. sleeper, 't' .. t.name) > 0 then return end
  end
end
local function head_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return {} end
  local ok, head = pcall(cjson.decode, string.sub(record, 1, stop - 1))
  return ok and type(head) == 'table' and head or {}
end
local function priority_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return '0' end
  return string.match(string.sub(record, 1, stop - 1), '"p":(-?%d+)') or '0'
end
local function counts_of(t, number)
  local text = redis.call('HGET', t.tries, number)
  if not text then return 0, 0, 0, 0, 0 end
  local f, c, h, row, inv = string.match(text, '^(%d+),(%d+),(%d+),(%d+),(%d+)$')
  return tonumber(f), tonumber(c), tonumber(h), tonumber(row), tonumber(inv)
end
local function counts_text(f, c, h, row, inv)
  return string.format('%d,%d,%d,%d,%d', f, c, h, row, inv)
end
local ALONE_AFTER = 3
local function join(t, number, priority, row, order)
  if row >= ALONE_AFTER then
    redis.call('RPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('RPUSH', t.ready, number)
  else
    redis.call('ZADD', t.prio, priority, '1' .. order .. ':' .. number)
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
local function join_front(t, number, priority, row)
  if row >= ALONE_AFTER then
    redis.call('LPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('LPUSH', t.ready, number)
  else
    redis.call('ZADD', t.prio, priority, '0' .. number .. ':' .. number)
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
local function put_later(t, number, record, due_ms)
  redis.call('HSET', t.later, number, record)
  redis.call('ZADD', t.due, due_ms, number)
  if redis.call('ZADD', MOMENTS, 'LT', 'CH', due_ms, t.name) > 0 then wake_one(t) end
end
local function keep_rules(i)
  return {
    idMs = tonumber(ARGV[i]), idCount = tonumber(ARGV[i + 1]),
    completed = { tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]) },
    dead = { tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]) },
    cancelled = { tonumber(ARGV[i + 6]), tonumber(ARGV[i + 7]) },
  }
end
local KEEP_ARGS = 8
local STATE_LETTER = { completed = 'c', dead = 'd', cancelled = 'x' }
local function bound(index, hash, count, stats)
  local over = redis.call('ZCARD', index) - count
  if over <= 0 then return end
  local oldest = redis.call('ZPOPMIN', index, math.min(over, 100))
  for k = 1, #oldest, 2 do redis.call('HDEL', hash, oldest[k]) end
  redis.call('HINCRBY', stats, 'dropped', #oldest / 2)
end
local function remember_end(t, id, number, state, keep, now_ms, kept_ms)
  local entry = redis.call('HGET', t.ids, id)
  if entry and string.match(entry, '^%d+') ~= number then return end
  redis.call('HSET', t.ids, id, number .. ':' .. STATE_LETTER[state])
  redis.call('ZADD', t.idends, whole(now_ms + math.max(keep.idMs, kept_ms)), id)
  bound(t.idends, t.ids, keep.idCount, t.stats)
end
local function end_job(t, number, state, id, detail, keep, now_ms, record)
  now_ms = math.floor(now_ms)
  local rule = keep[state]
  local kept_ms = 0
  if rule[2] > 0 then
    record = record or redis.call('HGET', t.jobs, number)
    if record then
      kept_ms = rule[1]
      local counts = redis.call('HGET', t.tries, number) or ''
      local head = { STATE_LETTER[state], whole(now_ms), counts, detail }
      redis.call('HSET', t.ended, number, table.concat(head, '|') .. '\\n' .. record)
      redis.call('ZADD', t[state], whole(now_ms), number)
      bound(t[state], t.ended, rule[2], t.stats)
    end
  end
  redis.call('HDEL', t.jobs, number)
  redis.call('HDEL', t.running, number)
  if redis.call('HDEL', t.tries, number) == 1 then redis.call('HDEL', t.errors, number) end
  redis.call('HDEL', CANCELS, number)
  redis.call('HDEL', PROGRESS, number)
  redis.call('HINCRBY', t.stats, state, 1)
  if id ~= '' then remember_end(t, id, number, state, keep, now_ms, kept_ms) end
end
local function read_lease(fence)
  local text = redis.call('HGET', LEASE, fence)
  if not text then return nil end
  local length, owner, numbers, task = string.match(text, '^(%d+)|([^|]*)|([%d ]*)|(.*)$')
  local lease = {
    fence = fence, length = tonumber(length), owner = owner, task = task, numbers = {}, has = {},
  }
  for number in string.gmatch(numbers, '%d+') do
    lease.numbers[#lease.numbers + 1] = number
    lease.has[number] = true
  end
  return lease
end
local function shrink_lease(lease)
  local left = {}
  for _, number in ipairs(lease.numbers) do
    if lease.has[number] then left[#left + 1] = number end
  end
  if #left == #lease.numbers then return end
  if #left == 0 then
    redis.call('HDEL', LEASE, lease.fence)
    redis.call('ZREM', LEASES, lease.fence)
    forget_lease(lease.length)
  else
    redis.call('HSET', LEASE, lease.fence,
      string.format('%d|%s|%s|', lease.length, lease.owner, table.concat(left, ' ')) .. lease.task)
  end
end
local function describe_batch(t, numbers, records)
  local counts, any = {}, false
  if redis.call('EXISTS', t.tries) == 1 then
    local found = redis.call('HMGET', t.tries, unpack(numbers))
    for k = 1, #numbers do
      counts[k] = found[k] or ''
      any = any or counts[k] ~= ''
    end
  end
  return { table.concat(numbers, ' '), any and table.concat(counts, ';') or '', unpack(records) }
end
local STATE_WORD = { c = 'completed', d = 'dead', x = 'cancelled' }
local function find_number(t, id, spelled, now_ms)
  local entry = redis.call('HGET', t.ids, id)
  if entry then
    local number, ended = string.match(entry, '^(%d+):?(%a?)$')
    local over = ended ~= '' and tonumber(redis.call('ZSCORE', t.idends, id) or '0') <= now_ms
    if not over then return number, STATE_WORD[ended] end
  end
  if spelled ~= '' then return spelled, nil end
  return nil, nil
end
local function place_of(t, number)
  local record = redis.call('HGET', t.jobs, number)
  if record then
    local fence = redis.call('HGET', t.running, number)
    return fence and 'running' or 'ready', record, nil, fence
  end
  record = redis.call('HGET', t.later, number)
  if record then return 'scheduled', record, redis.call('ZSCORE', t.due, number), nil end
  record = redis.call('HGET', t.ended, number)
  if record then return STATE_WORD[string.sub(record, 1, 1)], record, nil, nil end
  return nil, nil, nil, nil
end
local function view(t, number)
  local state, record, due, fence = place_of(t, number)
  if not state then return nil end
  local lease_ends = fence and redis.call('ZSCORE', LEASES, fence) or ''
  local marked = fence and tostring(redis.call('HEXISTS', CANCELS, number)) or '0'
  return {
    number, state, record, redis.call('HGET', t.tries, number) or '', due or '', fence or '',
    lease_ends or '', marked, fence and redis.call('HGET', PROGRESS, number) or '',
    redis.call('HGET', t.errors, number) or '',
  }
end
local t = task_keys(1, ARGV[1])
local keep, now_ms = keep_rules(4), now_us() / 1000
local number, ended = find_number(t, ARGV[2], ARGV[3], now_ms)
if not number then return {} end
if ended then return { ended, '0' } end
local state, record, _, fence = place_of(t, number)
if not state then return {} end
if state == 'running' then
  local marked = redis.call('HSETNX', CANCELS, number, '1')
  local lease = read_lease(fence)
  if lease then
    local message = 'c' .. fence .. ' ' .. number .. ' ' .. t.name
    redis.call('PUBLISH', CHANNEL .. lease.owner, message)
  end
  return { 'cancelling', tostring(marked) }
end
if state ~= 'ready' and state ~= 'scheduled' then return { state, '0' } end
redis.call('HDEL', t.later, number)
redis.call('ZREM', t.due, number)
end_job(t, number, 'cancelled', head_of(record).i or '', '{}', keep, now_ms, record)
return { 'cancelled', '1' }
`,
  },
  "counts": {
    sha1: "c95c8d79b970c28ae4c7080e4a818ecbd5ab7b61",
    text: `#!lua flags=allow-oom
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS, SESSION = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SHARD_KEYS = 10
local TASK_KEYS = 17
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], running = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17],
  }
end
local function whole(n)
  return string.format('%.0f', n)
end
local t = task_keys(1, ARGV[1])
local names = { 'pushed', 'completed', 'dead', 'cancelled', 'failures', 'crashes', 'dropped' }
local totals = redis.call('HMGET', t.stats, unpack(names))
for k = 1, #names do totals[k] = totals[k] or '0' end
return {
  redis.call('HLEN', t.later), redis.call('HLEN', t.jobs), redis.call('HLEN', t.running),
  redis.call('ZCARD', t.completed), redis.call('ZCARD', t.dead), redis.call('ZCARD', t.cancelled),
  totals,
}
`,
  },
  "fire": {
    sha1: "bbd829143b60b742b722c31a437c1239f5fa6172",
    text: `#!lua
local function now_us()
  local time = redis.call('TIME')
  local offset_ms = redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'test:offset')
  return time[1] * 1000000 + time[2] + (tonumber(offset_ms or '0')) * 1000
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS, SESSION = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SHARD_KEYS = 10
local TASK_KEYS = 17
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], running = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17],
  }
end
local function whole(n)
  return string.format('%.0f', n)
end
local function digits(n)
  return string.format('%016.0f', n)
end
local function take_numbers(field, count, now)
  local last = tonumber(redis.call('HGET', META, field) or '0')
  local first = math.max(last + 1, now)
  redis.call('HSET', META, field, digits(first + count - 1))
  return first
end
local function wake_one(t)
  for _ = 1, 3 do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return end
    if redis.call('PUBLISH', CHANNEL .. sleeper, 't' .. t.name) > 0 then return end
  end
end
local function head_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return {} end
  local ok, head = pcall(cjson.decode, string.sub(record, 1, stop - 1))
  return ok and type(head) == 'table' and head or {}
end
local function priority_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return '0' end
  return string.match(string.sub(record, 1, stop - 1), '"p":(-?%d+)') or '0'
end
local function counts_of(t, number)
  local text = redis.call('HGET', t.tries, number)
  if not text then return 0, 0, 0, 0, 0 end
  local f, c, h, row, inv = string.match(text, '^(%d+),(%d+),(%d+),(%d+),(%d+)$')
  return tonumber(f), tonumber(c), tonumber(h), tonumber(row), tonumber(inv)
end
local function counts_text(f, c, h, row, inv)
  return string.format('%d,%d,%d,%d,%d', f, c, h, row, inv)
end
local ALONE_AFTER = 3
local function join(t, number, priority, row, order)
  if row >= ALONE_AFTER then
    redis.call('RPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('RPUSH', t.ready, number)
  else
    redis.call('ZADD', t.prio, priority, '1' .. order .. ':' .. number)
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
local function join_front(t, number, priority, row)
  if row >= ALONE_AFTER then
    redis.call('LPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('LPUSH', t.ready, number)
  else
    redis.call('ZADD', t.prio, priority, '0' .. number .. ':' .. number)
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
local function put_later(t, number, record, due_ms)
  redis.call('HSET', t.later, number, record)
  redis.call('ZADD', t.due, due_ms, number)
  if redis.call('ZADD', MOMENTS, 'LT', 'CH', due_ms, t.name) > 0 then wake_one(t) end
end
local function keep_rules(i)
  return {
    idMs = tonumber(ARGV[i]), idCount = tonumber(ARGV[i + 1]),
    completed = { tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]) },
    dead = { tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]) },
    cancelled = { tonumber(ARGV[i + 6]), tonumber(ARGV[i + 7]) },
  }
end
local KEEP_ARGS = 8
local STATE_LETTER = { completed = 'c', dead = 'd', cancelled = 'x' }
local function bound(index, hash, count, stats)
  local over = redis.call('ZCARD', index) - count
  if over <= 0 then return end
  local oldest = redis.call('ZPOPMIN', index, math.min(over, 100))
  for k = 1, #oldest, 2 do redis.call('HDEL', hash, oldest[k]) end
  redis.call('HINCRBY', stats, 'dropped', #oldest / 2)
end
local function remember_end(t, id, number, state, keep, now_ms, kept_ms)
  local entry = redis.call('HGET', t.ids, id)
  if entry and string.match(entry, '^%d+') ~= number then return end
  redis.call('HSET', t.ids, id, number .. ':' .. STATE_LETTER[state])
  redis.call('ZADD', t.idends, whole(now_ms + math.max(keep.idMs, kept_ms)), id)
  bound(t.idends, t.ids, keep.idCount, t.stats)
end
local function end_job(t, number, state, id, detail, keep, now_ms, record)
  now_ms = math.floor(now_ms)
  local rule = keep[state]
  local kept_ms = 0
  if rule[2] > 0 then
    record = record or redis.call('HGET', t.jobs, number)
    if record then
      kept_ms = rule[1]
      local counts = redis.call('HGET', t.tries, number) or ''
      local head = { STATE_LETTER[state], whole(now_ms), counts, detail }
      redis.call('HSET', t.ended, number, table.concat(head, '|') .. '\\n' .. record)
      redis.call('ZADD', t[state], whole(now_ms), number)
      bound(t[state], t.ended, rule[2], t.stats)
    end
  end
  redis.call('HDEL', t.jobs, number)
  redis.call('HDEL', t.running, number)
  if redis.call('HDEL', t.tries, number) == 1 then redis.call('HDEL', t.errors, number) end
  redis.call('HDEL', CANCELS, number)
  redis.call('HDEL', PROGRESS, number)
  redis.call('HINCRBY', t.stats, state, 1)
  if id ~= '' then remember_end(t, id, number, state, keep, now_ms, kept_ms) end
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
  if redis.call('HEXISTS', t.running, number) == 1 then return number, 'a', '' end
  if redis.call('HEXISTS', t.jobs, number) == 1 then return number, 'r', '' end
  local due = redis.call('ZSCORE', t.due, number)
  if due then return number, 's', due end
  return nil
end
local function due_of(text, now_ms)
  if text == '' then return nil end
  local ms = tonumber(string.sub(text, 2))
  if string.sub(text, 1, 1) == '+' then ms = now_ms + ms end
  if ms <= now_ms then return nil end
  return whole(math.ceil(ms))
end
local function save_job(t, number, job, now_ms)
  if job.id ~= '' then
    local there, state, due = known(t, job.id, now_ms)
    if there then return there .. ',0,' .. state .. ',' .. due, false end
    redis.call('HSET', t.ids, job.id, number)
    redis.call('ZREM', t.idends, job.id)
  end
  redis.call('HINCRBY', t.stats, 'pushed', 1)
  local due = due_of(job.due, now_ms)
  if due then
    put_later(t, number, job.record, due)
    return number .. ',1,s,' .. due, false
  end
  redis.call('HSET', t.jobs, number, job.record)
  join(t, number, job.priority, 0, number)
  return number .. ',1,r,', true
end
local function read_schedule(id)
  local text = redis.call('HGET', SCHEDULES, id)
  if not text then return nil end
  local revision, fired, length, start = string.match(text, '^(%d+) (%d+) (%d+) ()')
  return {
    revision = tonumber(revision), fired = tonumber(fired),
    task = string.sub(text, start, start + length - 1),
    definition = string.sub(text, start + length),
  }
end
local function write_schedule(id, s)
  redis.call('HSET', SCHEDULES, id,
    string.format('%.0f %.0f %d ', s.revision, s.fired, #s.task) .. s.task .. s.definition)
end
local t, id = task_keys(1, ARGV[1]), ARGV[2]
local seen, following = tonumber(ARGV[4]), ARGV[5]
local now = now_us()
local s = read_schedule(id)
local cursor = tonumber(redis.call('ZSCORE', CURSORS, id) or nil)
local as_seen = s and s.revision == tonumber(ARGV[3]) and cursor == seen
if not as_seen or seen > now / 1000 or seen <= s.fired then
  return { '0' }
end
local jobs = (#ARGV - 6) / 4
local answers, any_ready = { '1' }, false
s.fired = math.max(seen, tonumber(ARGV[6]))
write_schedule(id, s)
if following == '' then
  redis.call('ZREM', CURSORS, id)
else
  redis.call('ZADD', CURSORS, following, id)
end
if jobs > 0 then
  local first = take_numbers('number', jobs, now)
  for k = 0, jobs - 1 do
    local a = 7 + 4 * k
    local job = { id = ARGV[a], due = ARGV[a + 1], priority = ARGV[a + 2], record = ARGV[a + 3] }
    local answer, ready = save_job(t, digits(first + k), job, now / 1000)
    answers[#answers + 1] = answer
    any_ready = any_ready or ready
  end
  if any_ready then wake_one(t) end
end
return answers
`,
  },
  "get": {
    sha1: "1300b51fe14b8387c483a88171ab6f3bba3608ae",
    text: `#!lua flags=allow-oom
local function now_us()
  local time = redis.call('TIME')
  local offset_ms = redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'test:offset')
  return time[1] * 1000000 + time[2] + (tonumber(offset_ms or '0')) * 1000
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS, SESSION = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SHARD_KEYS = 10
local TASK_KEYS = 17
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], running = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17],
  }
end
local function whole(n)
  return string.format('%.0f', n)
end
local STATE_WORD = { c = 'completed', d = 'dead', x = 'cancelled' }
local function find_number(t, id, spelled, now_ms)
  local entry = redis.call('HGET', t.ids, id)
  if entry then
    local number, ended = string.match(entry, '^(%d+):?(%a?)$')
    local over = ended ~= '' and tonumber(redis.call('ZSCORE', t.idends, id) or '0') <= now_ms
    if not over then return number, STATE_WORD[ended] end
  end
  if spelled ~= '' then return spelled, nil end
  return nil, nil
end
local function place_of(t, number)
  local record = redis.call('HGET', t.jobs, number)
  if record then
    local fence = redis.call('HGET', t.running, number)
    return fence and 'running' or 'ready', record, nil, fence
  end
  record = redis.call('HGET', t.later, number)
  if record then return 'scheduled', record, redis.call('ZSCORE', t.due, number), nil end
  record = redis.call('HGET', t.ended, number)
  if record then return STATE_WORD[string.sub(record, 1, 1)], record, nil, nil end
  return nil, nil, nil, nil
end
local function view(t, number)
  local state, record, due, fence = place_of(t, number)
  if not state then return nil end
  local lease_ends = fence and redis.call('ZSCORE', LEASES, fence) or ''
  local marked = fence and tostring(redis.call('HEXISTS', CANCELS, number)) or '0'
  return {
    number, state, record, redis.call('HGET', t.tries, number) or '', due or '', fence or '',
    lease_ends or '', marked, fence and redis.call('HGET', PROGRESS, number) or '',
    redis.call('HGET', t.errors, number) or '',
  }
end
local t = task_keys(1, ARGV[1])
local number, ended = find_number(t, ARGV[2], ARGV[3], now_us() / 1000)
if not number then return {} end
return view(t, number) or (ended and { number, ended } or {})
`,
  },
  "leave": {
    sha1: "e4306eb69ed3d0d62de5114f7d313fa91a46bec8",
    text: `#!lua flags=allow-oom
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS, SESSION = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SHARD_KEYS = 10
local TASK_KEYS = 17
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], running = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17],
  }
end
local function whole(n)
  return string.format('%.0f', n)
end
for k = SHARD_KEYS + 1, #KEYS do redis.call('SREM', KEYS[k], ARGV[1]) end
redis.call('DEL', SESSION)
return 1
`,
  },
  "list": {
    sha1: "0d029010b631b974513fee0ae3756837d8a39ab6",
    text: `#!lua flags=allow-oom
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS, SESSION = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SHARD_KEYS = 10
local TASK_KEYS = 17
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], running = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17],
  }
end
local function whole(n)
  return string.format('%.0f', n)
end
local STATE_WORD = { c = 'completed', d = 'dead', x = 'cancelled' }
local function find_number(t, id, spelled, now_ms)
  local entry = redis.call('HGET', t.ids, id)
  if entry then
    local number, ended = string.match(entry, '^(%d+):?(%a?)$')
    local over = ended ~= '' and tonumber(redis.call('ZSCORE', t.idends, id) or '0') <= now_ms
    if not over then return number, STATE_WORD[ended] end
  end
  if spelled ~= '' then return spelled, nil end
  return nil, nil
end
local function place_of(t, number)
  local record = redis.call('HGET', t.jobs, number)
  if record then
    local fence = redis.call('HGET', t.running, number)
    return fence and 'running' or 'ready', record, nil, fence
  end
  record = redis.call('HGET', t.later, number)
  if record then return 'scheduled', record, redis.call('ZSCORE', t.due, number), nil end
  record = redis.call('HGET', t.ended, number)
  if record then return STATE_WORD[string.sub(record, 1, 1)], record, nil, nil end
  return nil, nil, nil, nil
end
local function view(t, number)
  local state, record, due, fence = place_of(t, number)
  if not state then return nil end
  local lease_ends = fence and redis.call('ZSCORE', LEASES, fence) or ''
  local marked = fence and tostring(redis.call('HEXISTS', CANCELS, number)) or '0'
  return {
    number, state, record, redis.call('HGET', t.tries, number) or '', due or '', fence or '',
    lease_ends or '', marked, fence and redis.call('HGET', PROGRESS, number) or '',
    redis.call('HGET', t.errors, number) or '',
  }
end
local MOST_BYTES = 4 * 1024 * 1024
local t, state, cursor, limit = task_keys(1, ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
local function number_of(member)
  return string.match(member, '(%d+)$')
end
local function resume(stretch, member, place)
  local at
  if stretch.command == 'LRANGE' then
    at = redis.call('LPOS', stretch.key, member, 'MAXLEN', place + 1)
  else
    at = redis.call('ZRANK', stretch.key, member)
    at = at and at - stretch.first
  end
  return at and at + 1 or 0
end
local function page_ready()
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
    local s = stretches[k]
    local skip = tonumber(at) == k and resume(s, member, tonumber(place)) or 0
    local want = limit - #numbers
    if want == 0 and skip < s.size then return numbers, cursors, true end
    local stop = math.min(s.size, skip + want) - 1
    if want > 0 and stop >= skip then
      local found = redis.call(s.command, s.key, s.first + skip, s.first + stop)
      for n, m in ipairs(found) do
        numbers[#numbers + 1] = number_of(m)
        cursors[#numbers] = k .. ':' .. (skip + n - 1) .. ':' .. m
      end
      if stop + 1 < s.size then return numbers, cursors, true end
    end
  end
  return numbers, cursors, false
end
local function rank_behind(key, reverse, score, number)
  local range, low, high = reverse and 'ZREVRANGE' or 'ZRANGE', 0, redis.call('ZCARD', key)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local found = redis.call(range, key, middle, middle, 'WITHSCORES')
    local s = tonumber(found[2])
    local behind = s > score or (s == score and found[1] > number)
    if reverse then behind = s < score or (s == score and found[1] < number) end
    if behind then high = middle else low = middle + 1 end
  end
  return low
end
local function page_sorted(key, reverse)
  local range, from = reverse and 'ZREVRANGE' or 'ZRANGE', 0
  local score, number = string.match(cursor, '^(%-?%d+):(%d+)$')
  if score then from = rank_behind(key, reverse, tonumber(score), number) end
  local found = redis.call(range, key, from, from + limit - 1, 'WITHSCORES')
  local numbers, cursors = {}, {}
  for k = 1, #found, 2 do
    numbers[#numbers + 1] = found[k]
    cursors[#numbers] = whole(tonumber(found[k + 1])) .. ':' .. found[k]
  end
  return numbers, cursors, from + #numbers < redis.call('ZCARD', key)
end
local function page_running()
  local scan, shown = string.match(cursor, '^(%d+):(%d+)$')
  scan, shown = scan or '0', tonumber(shown or '0')
  local found = redis.call('HSCAN', t.running, scan, 'COUNT', limit)
  local numbers, cursors, total = {}, {}, #found[2] / 2
  for k = shown + 1, math.min(total, shown + limit) do
    numbers[#numbers + 1] = found[2][2 * k - 1]
    cursors[#numbers] = scan .. ':' .. k
  end
  if shown + #numbers < total then return numbers, cursors, true end
  cursors[#numbers] = found[1] .. ':0'
  return numbers, cursors, found[1] ~= '0'
end
local numbers, cursors, more
if state == 'ready' then
  numbers, cursors, more = page_ready()
elseif state == 'scheduled' then
  numbers, cursors, more = page_sorted(t.due, false)
elseif state == 'running' then
  numbers, cursors, more = page_running()
else
  numbers, cursors, more = page_sorted(t[state], true)
end
local page, bytes, last = { '' }, 0, 0
for k, number in ipairs(numbers) do
  local v = view(t, number)
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
    sha1: "65c40b35e9c90f77523d0b6a2a7abb2bd9989427",
    text: `#!lua flags=allow-oom
local function now_us()
  local time = redis.call('TIME')
  local offset_ms = redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'test:offset')
  return time[1] * 1000000 + time[2] + (tonumber(offset_ms or '0')) * 1000
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS, SESSION = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SHARD_KEYS = 10
local TASK_KEYS = 17
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], running = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17],
  }
end
local function whole(n)
  return string.format('%.0f', n)
end
local function read_lengths(text)
  local lengths = {}
  for length, count in string.gmatch(text or '', '(%d+)=(%d+)') do
    lengths[length] = tonumber(count)
  end
  return lengths
end
local function count_lease(lengths, length_ms, by)
  local key = whole(length_ms)
  lengths[key] = (lengths[key] or 0) + by
  local parts = {}
  for length, count in pairs(lengths) do
    if count > 0 then parts[#parts + 1] = length .. '=' .. count end
  end
  table.sort(parts)
  redis.call('HSET', META, 'lengths', table.concat(parts, ' '))
end
local function forget_lease(length_ms)
  count_lease(read_lengths(redis.call('HGET', META, 'lengths')), length_ms, -1)
end
local SHORTEST_KNOWN_MS = 1000
local function shortest_of(lengths)
  local shortest = math.huge
  for length in pairs(lengths) do shortest = math.min(shortest, tonumber(length)) end
  return shortest < math.huge and shortest or SHORTEST_KNOWN_MS
end
local function clamp_leases(now_ms, shortest)
  local after = '(' .. whole(math.floor(now_ms + shortest))
  local far = redis.call('ZRANGEBYSCORE', LEASES, after, '+inf', 'WITHSCORES', 'LIMIT', 0, 1000)
  for k = 1, #far, 2 do
    local length = tonumber(string.match(redis.call('HGET', LEASE, far[k]) or '', '^(%d+)|'))
    local latest = math.floor(now_ms + (length or shortest))
    if tonumber(far[k + 1]) > latest then redis.call('ZADD', LEASES, whole(latest), far[k]) end
  end
end
local function note_time(now_ms)
  if redis.call('ZCARD', LEASES) == 0 then return 0, nil, {} end
  local m = redis.call('HMGET', META, 'noted', 'graceFrom', 'lengths')
  local noted, from = tonumber(m[1]), tonumber(m[2] or '0')
  local lengths = read_lengths(m[3])
  local shortest = shortest_of(lengths)
  local gap = noted and now_ms - noted or math.huge
  local this = math.floor(now_ms)
  if gap > shortest * 2 / 3 or gap < 0 then
    noted, from = this, this
    redis.call('HSET', META, 'noted', whole(this), 'graceFrom', whole(this))
    if gap < 0 then clamp_leases(now_ms, shortest) end
  elseif gap >= shortest / 3 then
    noted = this
    redis.call('HSET', META, 'noted', whole(this))
  end
  return from, noted + shortest / 3, lengths
end
local function note_lease(now_ms, lease_ms)
  local _, next_note, lengths = note_time(now_ms)
  if not next_note then
    redis.call('HSET', META, 'noted', whole(math.floor(now_ms)), 'graceFrom', '0')
  elseif lease_ms < shortest_of(lengths) then
    redis.call('HSET', META, 'noted', whole(math.floor(now_ms)))
  end
  count_lease(lengths, lease_ms, 1)
end
local MOST_EXPIRED, MOST_LEASES, MOST_DUE, KEEPERS_PER_MOMENT = 20, 100, 100, 2
local SLEEPERS_TTL_S, SESSION_TTL_S = 600, 86400
local identity, sleep_ms = ARGV[1], tonumber(ARGV[2])
local now_ms = now_us() / 1000
local task_count = tonumber(ARGV[3])
local schedule_count = tonumber(ARGV[4 + task_count])
local function slice(from, n)
  local out = {}
  for k = 1, n do out[k] = ARGV[from + k - 1] end
  return out
end
local names = slice(4, task_count)
local schedules = slice(5 + task_count, schedule_count)
local function drains_until()
  local m = redis.call('HMGET', META, 'aloneBy', 'aloneTil')
  if m[1] == identity and tonumber(m[2]) > now_ms then return tonumber(m[2]) end
end
local function split_due(key, members, prefix, moments)
  local due = {}
  if #members == 0 then return due end
  for from = 1, #members, 1000 do
    local to = math.min(from + 999, #members)
    local scores = redis.call('ZMSCORE', key, unpack(members, from, to))
    for k, score in ipairs(scores) do
      local at, index = tonumber(score or nil), from + k - 1
      if at and at <= now_ms then
        due[#due + 1] = { index = index, at = score }
      elseif at and at <= now_ms + sleep_ms then
        moments[#moments + 1] = { at = at, field = prefix .. members[index] }
      end
    end
  end
  return due
end
local function expired_leases(grace_from)
  local out, next_at = {}, math.huge
  local first = redis.call('ZRANGE', LEASES, 0, MOST_LEASES - 1, 'WITHSCORES')
  for k = 1, #first, 2 do
    local fence, ends_at = first[k], tonumber(first[k + 1])
    if ends_at > now_ms + sleep_ms or #out >= 2 * MOST_EXPIRED then break end
    local length, task = string.match(
      redis.call('HGET', LEASE, fence) or '', '^(%d+)|[^|]*|[%d ]*|(.*)$')
    local at = length and math.max(ends_at, grace_from + tonumber(length))
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
local function keeps(moment)
  local at = whole(moment.at)
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
local function sleep_until(moments)
  table.sort(moments, function(a, b) return a.at < b.at end)
  for _, moment in ipairs(moments) do
    if keeps(moment) then return moment.at - now_ms end
  end
  return sleep_ms
end
local function register_sleeper()
  for k = SHARD_KEYS + 1, #KEYS do
    local key = KEYS[k]
    redis.call('SADD', key, identity)
    redis.call('EXPIRE', key, SLEEPERS_TTL_S)
  end
end
local session_known = redis.call('EXPIRE', SESSION, SESSION_TTL_S)
local grace_from, next_note = note_time(now_ms)
local moments = {}
local drains = drains_until()
local ready = drains and {} or split_due(MOMENTS, names, 't', moments)
local due = split_due(CURSORS, schedules, 's', moments)
local expired, next_reap = {}, math.huge
if next_note then
  expired, next_reap = expired_leases(grace_from)
  moments[#moments + 1] = { at = next_note, field = 'n' }
end
if next_reap < math.huge then moments[#moments + 1] = { at = next_reap, field = 'l' } end
local indexes, definitions = {}, {}
for k, entry in ipairs(ready) do indexes[k] = entry.index end
for k = 1, math.min(#due, MOST_DUE) do
  local id = schedules[due[k].index]
  local record = redis.call('HGET', SCHEDULES, id)
  if record then
    definitions[#definitions + 1] = id
    definitions[#definitions + 1] = due[k].at
    definitions[#definitions + 1] = record
  end
end
local wait_ms, registered = 0, '0'
if #indexes == 0 and #definitions == 0 and #expired == 0 then
  if not drains then
    register_sleeper()
    registered = '1'
  end
  wait_ms = math.min(sleep_ms, sleep_until(moments), drains and drains - now_ms or sleep_ms)
end
return {
  whole(math.floor(now_ms)), string.format('%.3f', math.max(0, wait_ms)),
  table.concat(indexes, ','), expired, definitions, tostring(session_known), registered,
}
`,
  },
  "open": {
    sha1: "6e7c604b9c0e4209399b862ce6c01801e83e0885",
    text: `#!lua flags=allow-oom
local function now_us()
  local time = redis.call('TIME')
  local offset_ms = redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'test:offset')
  return time[1] * 1000000 + time[2] + (tonumber(offset_ms or '0')) * 1000
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS, SESSION = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SHARD_KEYS = 10
local TASK_KEYS = 17
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], running = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17],
  }
end
local function whole(n)
  return string.format('%.0f', n)
end
local layout = KEYS[SHARD_KEYS + 1]
if redis.call('HSETNX', layout, 'version', ARGV[1]) == 1 then
  redis.call('HSET', layout, 'shards', ARGV[2], 'born', ARGV[3])
end
local l = redis.call('HMGET', layout, 'version', 'shards', 'born')
return { l[1] or '', l[2] or '', l[3] or '', whole(math.floor(now_us() / 1000)) }
`,
  },
  "prune": {
    sha1: "f1492fe7d5ac57a4855bcb81a751ae364b269f68",
    text: `#!lua flags=allow-oom
local function now_us()
  local time = redis.call('TIME')
  local offset_ms = redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'test:offset')
  return time[1] * 1000000 + time[2] + (tonumber(offset_ms or '0')) * 1000
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS, SESSION = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SHARD_KEYS = 10
local TASK_KEYS = 17
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], running = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17],
  }
end
local function whole(n)
  return string.format('%.0f', n)
end
local function head_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return {} end
  local ok, head = pcall(cjson.decode, string.sub(record, 1, stop - 1))
  return ok and type(head) == 'table' and head or {}
end
local function priority_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return '0' end
  return string.match(string.sub(record, 1, stop - 1), '"p":(-?%d+)') or '0'
end
local function counts_of(t, number)
  local text = redis.call('HGET', t.tries, number)
  if not text then return 0, 0, 0, 0, 0 end
  local f, c, h, row, inv = string.match(text, '^(%d+),(%d+),(%d+),(%d+),(%d+)$')
  return tonumber(f), tonumber(c), tonumber(h), tonumber(row), tonumber(inv)
end
local function counts_text(f, c, h, row, inv)
  return string.format('%d,%d,%d,%d,%d', f, c, h, row, inv)
end
local ALONE_AFTER = 3
local function join(t, number, priority, row, order)
  if row >= ALONE_AFTER then
    redis.call('RPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('RPUSH', t.ready, number)
  else
    redis.call('ZADD', t.prio, priority, '1' .. order .. ':' .. number)
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
local function join_front(t, number, priority, row)
  if row >= ALONE_AFTER then
    redis.call('LPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('LPUSH', t.ready, number)
  else
    redis.call('ZADD', t.prio, priority, '0' .. number .. ':' .. number)
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
local function put_later(t, number, record, due_ms)
  redis.call('HSET', t.later, number, record)
  redis.call('ZADD', t.due, due_ms, number)
  if redis.call('ZADD', MOMENTS, 'LT', 'CH', due_ms, t.name) > 0 then wake_one(t) end
end
local function keep_rules(i)
  return {
    idMs = tonumber(ARGV[i]), idCount = tonumber(ARGV[i + 1]),
    completed = { tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]) },
    dead = { tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]) },
    cancelled = { tonumber(ARGV[i + 6]), tonumber(ARGV[i + 7]) },
  }
end
local KEEP_ARGS = 8
local STATE_LETTER = { completed = 'c', dead = 'd', cancelled = 'x' }
local function bound(index, hash, count, stats)
  local over = redis.call('ZCARD', index) - count
  if over <= 0 then return end
  local oldest = redis.call('ZPOPMIN', index, math.min(over, 100))
  for k = 1, #oldest, 2 do redis.call('HDEL', hash, oldest[k]) end
  redis.call('HINCRBY', stats, 'dropped', #oldest / 2)
end
local function remember_end(t, id, number, state, keep, now_ms, kept_ms)
  local entry = redis.call('HGET', t.ids, id)
  if entry and string.match(entry, '^%d+') ~= number then return end
  redis.call('HSET', t.ids, id, number .. ':' .. STATE_LETTER[state])
  redis.call('ZADD', t.idends, whole(now_ms + math.max(keep.idMs, kept_ms)), id)
  bound(t.idends, t.ids, keep.idCount, t.stats)
end
local function end_job(t, number, state, id, detail, keep, now_ms, record)
  now_ms = math.floor(now_ms)
  local rule = keep[state]
  local kept_ms = 0
  if rule[2] > 0 then
    record = record or redis.call('HGET', t.jobs, number)
    if record then
      kept_ms = rule[1]
      local counts = redis.call('HGET', t.tries, number) or ''
      local head = { STATE_LETTER[state], whole(now_ms), counts, detail }
      redis.call('HSET', t.ended, number, table.concat(head, '|') .. '\\n' .. record)
      redis.call('ZADD', t[state], whole(now_ms), number)
      bound(t[state], t.ended, rule[2], t.stats)
    end
  end
  redis.call('HDEL', t.jobs, number)
  redis.call('HDEL', t.running, number)
  if redis.call('HDEL', t.tries, number) == 1 then redis.call('HDEL', t.errors, number) end
  redis.call('HDEL', CANCELS, number)
  redis.call('HDEL', PROGRESS, number)
  redis.call('HINCRBY', t.stats, state, 1)
  if id ~= '' then remember_end(t, id, number, state, keep, now_ms, kept_ms) end
end
local MOST = 500
local t = task_keys(1, ARGV[1])
local keep = keep_rules(2)
local now_ms = now_us() / 1000
local more = 0
local function prune_age(index, hash, before_ms)
  local before = whole(math.floor(before_ms))
  local old = redis.call('ZRANGEBYSCORE', index, '-inf', before, 'LIMIT', 0, MOST)
  if #old == 0 then return end
  redis.call('HDEL', hash, unpack(old))
  redis.call('ZREM', index, unpack(old))
  if #old == MOST then more = 1 end
end
local function prune_count(index, hash, count)
  bound(index, hash, count, t.stats)
  if redis.call('ZCARD', index) > count then more = 1 end
end
prune_age(t.idends, t.ids, now_ms)
prune_count(t.idends, t.ids, keep.idCount)
for _, state in ipairs({ 'completed', 'dead', 'cancelled' }) do
  prune_age(t[state], t.ended, now_ms - keep[state][1])
  prune_count(t[state], t.ended, keep[state][2])
end
return more
`,
  },
  "push": {
    sha1: "3f38ee65b8a3fca5ff41446a935051ef9b34ca08",
    text: `#!lua
local function now_us()
  local time = redis.call('TIME')
  local offset_ms = redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'test:offset')
  return time[1] * 1000000 + time[2] + (tonumber(offset_ms or '0')) * 1000
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS, SESSION = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SHARD_KEYS = 10
local TASK_KEYS = 17
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], running = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17],
  }
end
local function whole(n)
  return string.format('%.0f', n)
end
local function digits(n)
  return string.format('%016.0f', n)
end
local function take_numbers(field, count, now)
  local last = tonumber(redis.call('HGET', META, field) or '0')
  local first = math.max(last + 1, now)
  redis.call('HSET', META, field, digits(first + count - 1))
  return first
end
local KEPT_ANSWERS = 4
local function begin_call(lane, epoch, seq)
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
local function end_call(lane, seq, answer)
  redis.call('HSET', SESSION, lane .. ':answer' .. (tonumber(seq) % KEPT_ANSWERS), answer)
end
local function wake_one(t)
  for _ = 1, 3 do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return end
    if redis.call('PUBLISH', CHANNEL .. sleeper, 't' .. t.name) > 0 then return end
  end
end
local function head_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return {} end
  local ok, head = pcall(cjson.decode, string.sub(record, 1, stop - 1))
  return ok and type(head) == 'table' and head or {}
end
local function priority_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return '0' end
  return string.match(string.sub(record, 1, stop - 1), '"p":(-?%d+)') or '0'
end
local function counts_of(t, number)
  local text = redis.call('HGET', t.tries, number)
  if not text then return 0, 0, 0, 0, 0 end
  local f, c, h, row, inv = string.match(text, '^(%d+),(%d+),(%d+),(%d+),(%d+)$')
  return tonumber(f), tonumber(c), tonumber(h), tonumber(row), tonumber(inv)
end
local function counts_text(f, c, h, row, inv)
  return string.format('%d,%d,%d,%d,%d', f, c, h, row, inv)
end
local ALONE_AFTER = 3
local function join(t, number, priority, row, order)
  if row >= ALONE_AFTER then
    redis.call('RPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('RPUSH', t.ready, number)
  else
    redis.call('ZADD', t.prio, priority, '1' .. order .. ':' .. number)
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
local function join_front(t, number, priority, row)
  if row >= ALONE_AFTER then
    redis.call('LPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('LPUSH', t.ready, number)
  else
    redis.call('ZADD', t.prio, priority, '0' .. number .. ':' .. number)
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
local function put_later(t, number, record, due_ms)
  redis.call('HSET', t.later, number, record)
  redis.call('ZADD', t.due, due_ms, number)
  if redis.call('ZADD', MOMENTS, 'LT', 'CH', due_ms, t.name) > 0 then wake_one(t) end
end
local function keep_rules(i)
  return {
    idMs = tonumber(ARGV[i]), idCount = tonumber(ARGV[i + 1]),
    completed = { tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]) },
    dead = { tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]) },
    cancelled = { tonumber(ARGV[i + 6]), tonumber(ARGV[i + 7]) },
  }
end
local KEEP_ARGS = 8
local STATE_LETTER = { completed = 'c', dead = 'd', cancelled = 'x' }
local function bound(index, hash, count, stats)
  local over = redis.call('ZCARD', index) - count
  if over <= 0 then return end
  local oldest = redis.call('ZPOPMIN', index, math.min(over, 100))
  for k = 1, #oldest, 2 do redis.call('HDEL', hash, oldest[k]) end
  redis.call('HINCRBY', stats, 'dropped', #oldest / 2)
end
local function remember_end(t, id, number, state, keep, now_ms, kept_ms)
  local entry = redis.call('HGET', t.ids, id)
  if entry and string.match(entry, '^%d+') ~= number then return end
  redis.call('HSET', t.ids, id, number .. ':' .. STATE_LETTER[state])
  redis.call('ZADD', t.idends, whole(now_ms + math.max(keep.idMs, kept_ms)), id)
  bound(t.idends, t.ids, keep.idCount, t.stats)
end
local function end_job(t, number, state, id, detail, keep, now_ms, record)
  now_ms = math.floor(now_ms)
  local rule = keep[state]
  local kept_ms = 0
  if rule[2] > 0 then
    record = record or redis.call('HGET', t.jobs, number)
    if record then
      kept_ms = rule[1]
      local counts = redis.call('HGET', t.tries, number) or ''
      local head = { STATE_LETTER[state], whole(now_ms), counts, detail }
      redis.call('HSET', t.ended, number, table.concat(head, '|') .. '\\n' .. record)
      redis.call('ZADD', t[state], whole(now_ms), number)
      bound(t[state], t.ended, rule[2], t.stats)
    end
  end
  redis.call('HDEL', t.jobs, number)
  redis.call('HDEL', t.running, number)
  if redis.call('HDEL', t.tries, number) == 1 then redis.call('HDEL', t.errors, number) end
  redis.call('HDEL', CANCELS, number)
  redis.call('HDEL', PROGRESS, number)
  redis.call('HINCRBY', t.stats, state, 1)
  if id ~= '' then remember_end(t, id, number, state, keep, now_ms, kept_ms) end
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
  if redis.call('HEXISTS', t.running, number) == 1 then return number, 'a', '' end
  if redis.call('HEXISTS', t.jobs, number) == 1 then return number, 'r', '' end
  local due = redis.call('ZSCORE', t.due, number)
  if due then return number, 's', due end
  return nil
end
local function due_of(text, now_ms)
  if text == '' then return nil end
  local ms = tonumber(string.sub(text, 2))
  if string.sub(text, 1, 1) == '+' then ms = now_ms + ms end
  if ms <= now_ms then return nil end
  return whole(math.ceil(ms))
end
local function save_job(t, number, job, now_ms)
  if job.id ~= '' then
    local there, state, due = known(t, job.id, now_ms)
    if there then return there .. ',0,' .. state .. ',' .. due, false end
    redis.call('HSET', t.ids, job.id, number)
    redis.call('ZREM', t.idends, job.id)
  end
  redis.call('HINCRBY', t.stats, 'pushed', 1)
  local due = due_of(job.due, now_ms)
  if due then
    put_later(t, number, job.record, due)
    return number .. ',1,s,' .. due, false
  end
  redis.call('HSET', t.jobs, number, job.record)
  join(t, number, job.priority, 0, number)
  return number .. ',1,r,', true
end
local MOST_BYTES = 4 * 1024 * 1024
local MOST_PROMOTED = 1000
local promote_budget = { jobs = MOST_PROMOTED, bytes = MOST_BYTES }
local function promote(t, now_ms, most)
  local budget = promote_budget
  while most > 0 and budget.jobs > 0 and budget.bytes > 0 do
    local now, n = string.format('%.3f', now_ms), math.min(most, budget.jobs, 50)
    local due = redis.call('ZRANGEBYSCORE', t.due, '-inf', now, 'LIMIT', 0, n)
    if #due == 0 then return end
    local records = redis.call('HMGET', t.later, unpack(due))
    redis.call('ZREM', t.due, unpack(due))
    redis.call('HDEL', t.later, unpack(due))
    for k, number in ipairs(due) do
      local record = records[k]
      if record then
        budget.bytes = budget.bytes - #record
        redis.call('HSET', t.jobs, number, record)
        local _, _, _, row = counts_of(t, number)
        join(t, number, priority_of(record), row, digits(now_ms * 1000))
      end
    end
    most, budget.jobs = most - #due, budget.jobs - #due
  end
end
local repeated = begin_call('push', ARGV[1], ARGV[2])
if repeated then return repeated end
local now = now_us()
local now_ms = now / 1000
local next_number = take_numbers('number', tonumber(ARGV[3]), now)
local task_count = tonumber(ARGV[4])
local tasks, became_ready = {}, {}
for k = 1, task_count do tasks[k] = task_keys(k, ARGV[4 + k]) end
local answers = {}
local function push_plain(t, i, n)
  local fields, numbers = {}, {}
  for k = 1, n do
    local number = digits(next_number + k - 1)
    fields[2 * k - 1], fields[2 * k] = number, ARGV[i + k - 1]
    numbers[k] = number
  end
  redis.call('HSET', t.jobs, unpack(fields))
  redis.call('RPUSH', t.ready, unpack(numbers))
  answers[#answers + 1] = numbers[1]
  next_number = next_number + n
  redis.call('HINCRBY', t.stats, 'pushed', n)
end
local function push_special(t, i)
  local job = { id = ARGV[i], due = ARGV[i + 1], priority = ARGV[i + 2], record = ARGV[i + 3] }
  local answer, ready = save_job(t, digits(next_number), job, now_ms)
  next_number = next_number + 1
  became_ready[t] = became_ready[t] or ready
  answers[#answers + 1] = answer
end
for k = 1, task_count do promote(tasks[k], now_ms, 100) end
local i = 5 + task_count
while i <= #ARGV do
  local t, kind, n = tasks[tonumber(ARGV[i])], ARGV[i + 1], tonumber(ARGV[i + 2])
  i = i + 3
  if kind == 'p' then
    push_plain(t, i, n)
    became_ready[t] = true
    i = i + n
  else
    for _ = 1, n do
      push_special(t, i)
      i = i + 4
    end
  end
end
for k = 1, task_count do
  local t = tasks[k]
  if became_ready[t] then
    redis.call('ZADD', MOMENTS, 0, t.name)
    wake_one(t)
  end
end
local answer = table.concat(answers, ';')
end_call('push', ARGV[2], answer)
redis.call('EXPIRE', SESSION, 3600, 'GT')
return { answer }
`,
  },
  "reap": {
    sha1: "e7ca95145cf1ad27ccaa33a0e4010ea4f29cad78",
    text: `#!lua flags=allow-oom
local function now_us()
  local time = redis.call('TIME')
  local offset_ms = redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'test:offset')
  return time[1] * 1000000 + time[2] + (tonumber(offset_ms or '0')) * 1000
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS, SESSION = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SHARD_KEYS = 10
local TASK_KEYS = 17
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], running = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17],
  }
end
local function whole(n)
  return string.format('%.0f', n)
end
local function digits(n)
  return string.format('%016.0f', n)
end
local function take_numbers(field, count, now)
  local last = tonumber(redis.call('HGET', META, field) or '0')
  local first = math.max(last + 1, now)
  redis.call('HSET', META, field, digits(first + count - 1))
  return first
end
local function read_lengths(text)
  local lengths = {}
  for length, count in string.gmatch(text or '', '(%d+)=(%d+)') do
    lengths[length] = tonumber(count)
  end
  return lengths
end
local function count_lease(lengths, length_ms, by)
  local key = whole(length_ms)
  lengths[key] = (lengths[key] or 0) + by
  local parts = {}
  for length, count in pairs(lengths) do
    if count > 0 then parts[#parts + 1] = length .. '=' .. count end
  end
  table.sort(parts)
  redis.call('HSET', META, 'lengths', table.concat(parts, ' '))
end
local function forget_lease(length_ms)
  count_lease(read_lengths(redis.call('HGET', META, 'lengths')), length_ms, -1)
end
local SHORTEST_KNOWN_MS = 1000
local function shortest_of(lengths)
  local shortest = math.huge
  for length in pairs(lengths) do shortest = math.min(shortest, tonumber(length)) end
  return shortest < math.huge and shortest or SHORTEST_KNOWN_MS
end
local function clamp_leases(now_ms, shortest)
  local after = '(' .. whole(math.floor(now_ms + shortest))
  local far = redis.call('ZRANGEBYSCORE', LEASES, after, '+inf', 'WITHSCORES', 'LIMIT', 0, 1000)
  for k = 1, #far, 2 do
    local length = tonumber(string.match(redis.call('HGET', LEASE, far[k]) or '', '^(%d+)|'))
    local latest = math.floor(now_ms + (length or shortest))
    if tonumber(far[k + 1]) > latest then redis.call('ZADD', LEASES, whole(latest), far[k]) end
  end
end
local function note_time(now_ms)
  if redis.call('ZCARD', LEASES) == 0 then return 0, nil, {} end
  local m = redis.call('HMGET', META, 'noted', 'graceFrom', 'lengths')
  local noted, from = tonumber(m[1]), tonumber(m[2] or '0')
  local lengths = read_lengths(m[3])
  local shortest = shortest_of(lengths)
  local gap = noted and now_ms - noted or math.huge
  local this = math.floor(now_ms)
  if gap > shortest * 2 / 3 or gap < 0 then
    noted, from = this, this
    redis.call('HSET', META, 'noted', whole(this), 'graceFrom', whole(this))
    if gap < 0 then clamp_leases(now_ms, shortest) end
  elseif gap >= shortest / 3 then
    noted = this
    redis.call('HSET', META, 'noted', whole(this))
  end
  return from, noted + shortest / 3, lengths
end
local function note_lease(now_ms, lease_ms)
  local _, next_note, lengths = note_time(now_ms)
  if not next_note then
    redis.call('HSET', META, 'noted', whole(math.floor(now_ms)), 'graceFrom', '0')
  elseif lease_ms < shortest_of(lengths) then
    redis.call('HSET', META, 'noted', whole(math.floor(now_ms)))
  end
  count_lease(lengths, lease_ms, 1)
end
local function wake_one(t)
  for _ = 1, 3 do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return end
    if redis.call('PUBLISH', CHANNEL .. sleeper, 't' .. t.name) > 0 then return end
  end
end
local function head_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return {} end
  local ok, head = pcall(cjson.decode, string.sub(record, 1, stop - 1))
  return ok and type(head) == 'table' and head or {}
end
local function priority_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return '0' end
  return string.match(string.sub(record, 1, stop - 1), '"p":(-?%d+)') or '0'
end
local function counts_of(t, number)
  local text = redis.call('HGET', t.tries, number)
  if not text then return 0, 0, 0, 0, 0 end
  local f, c, h, row, inv = string.match(text, '^(%d+),(%d+),(%d+),(%d+),(%d+)$')
  return tonumber(f), tonumber(c), tonumber(h), tonumber(row), tonumber(inv)
end
local function counts_text(f, c, h, row, inv)
  return string.format('%d,%d,%d,%d,%d', f, c, h, row, inv)
end
local ALONE_AFTER = 3
local function join(t, number, priority, row, order)
  if row >= ALONE_AFTER then
    redis.call('RPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('RPUSH', t.ready, number)
  else
    redis.call('ZADD', t.prio, priority, '1' .. order .. ':' .. number)
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
local function join_front(t, number, priority, row)
  if row >= ALONE_AFTER then
    redis.call('LPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('LPUSH', t.ready, number)
  else
    redis.call('ZADD', t.prio, priority, '0' .. number .. ':' .. number)
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
local function put_later(t, number, record, due_ms)
  redis.call('HSET', t.later, number, record)
  redis.call('ZADD', t.due, due_ms, number)
  if redis.call('ZADD', MOMENTS, 'LT', 'CH', due_ms, t.name) > 0 then wake_one(t) end
end
local function keep_rules(i)
  return {
    idMs = tonumber(ARGV[i]), idCount = tonumber(ARGV[i + 1]),
    completed = { tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]) },
    dead = { tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]) },
    cancelled = { tonumber(ARGV[i + 6]), tonumber(ARGV[i + 7]) },
  }
end
local KEEP_ARGS = 8
local STATE_LETTER = { completed = 'c', dead = 'd', cancelled = 'x' }
local function bound(index, hash, count, stats)
  local over = redis.call('ZCARD', index) - count
  if over <= 0 then return end
  local oldest = redis.call('ZPOPMIN', index, math.min(over, 100))
  for k = 1, #oldest, 2 do redis.call('HDEL', hash, oldest[k]) end
  redis.call('HINCRBY', stats, 'dropped', #oldest / 2)
end
local function remember_end(t, id, number, state, keep, now_ms, kept_ms)
  local entry = redis.call('HGET', t.ids, id)
  if entry and string.match(entry, '^%d+') ~= number then return end
  redis.call('HSET', t.ids, id, number .. ':' .. STATE_LETTER[state])
  redis.call('ZADD', t.idends, whole(now_ms + math.max(keep.idMs, kept_ms)), id)
  bound(t.idends, t.ids, keep.idCount, t.stats)
end
local function end_job(t, number, state, id, detail, keep, now_ms, record)
  now_ms = math.floor(now_ms)
  local rule = keep[state]
  local kept_ms = 0
  if rule[2] > 0 then
    record = record or redis.call('HGET', t.jobs, number)
    if record then
      kept_ms = rule[1]
      local counts = redis.call('HGET', t.tries, number) or ''
      local head = { STATE_LETTER[state], whole(now_ms), counts, detail }
      redis.call('HSET', t.ended, number, table.concat(head, '|') .. '\\n' .. record)
      redis.call('ZADD', t[state], whole(now_ms), number)
      bound(t[state], t.ended, rule[2], t.stats)
    end
  end
  redis.call('HDEL', t.jobs, number)
  redis.call('HDEL', t.running, number)
  if redis.call('HDEL', t.tries, number) == 1 then redis.call('HDEL', t.errors, number) end
  redis.call('HDEL', CANCELS, number)
  redis.call('HDEL', PROGRESS, number)
  redis.call('HINCRBY', t.stats, state, 1)
  if id ~= '' then remember_end(t, id, number, state, keep, now_ms, kept_ms) end
end
local function read_lease(fence)
  local text = redis.call('HGET', LEASE, fence)
  if not text then return nil end
  local length, owner, numbers, task = string.match(text, '^(%d+)|([^|]*)|([%d ]*)|(.*)$')
  local lease = {
    fence = fence, length = tonumber(length), owner = owner, task = task, numbers = {}, has = {},
  }
  for number in string.gmatch(numbers, '%d+') do
    lease.numbers[#lease.numbers + 1] = number
    lease.has[number] = true
  end
  return lease
end
local function shrink_lease(lease)
  local left = {}
  for _, number in ipairs(lease.numbers) do
    if lease.has[number] then left[#left + 1] = number end
  end
  if #left == #lease.numbers then return end
  if #left == 0 then
    redis.call('HDEL', LEASE, lease.fence)
    redis.call('ZREM', LEASES, lease.fence)
    forget_lease(lease.length)
  else
    redis.call('HSET', LEASE, lease.fence,
      string.format('%d|%s|%s|', lease.length, lease.owner, table.concat(left, ' ')) .. lease.task)
  end
end
local function describe_batch(t, numbers, records)
  local counts, any = {}, false
  if redis.call('EXISTS', t.tries) == 1 then
    local found = redis.call('HMGET', t.tries, unpack(numbers))
    for k = 1, #numbers do
      counts[k] = found[k] or ''
      any = any or counts[k] ~= ''
    end
  end
  return { table.concat(numbers, ' '), any and table.concat(counts, ';') or '', unpack(records) }
end
local MOST_CRASHES_IN_ROW, LONGEST_WAIT_MS, DEFAULT_WAIT_MS = 10, 3600000, 10000
local random = tonumber(ARGV[1])
local keep = keep_rules(2)
local now = now_us()
local now_ms = now / 1000
local i = 2 + KEEP_ARGS
local task_count = tonumber(ARGV[i])
local tasks = {}
for k = 1, task_count do tasks[k] = task_keys(k, ARGV[i + k]) end
i = i + task_count + 1
local reaped = {}
local function spread(k)
  return (random + k * 0.6180339887) % 1
end
local function due_after_crash(lease, ends_at, head, row)
  local factor = row >= 2 and 0.5 + spread(#reaped) or 1
  local wait = math.min((head.w or DEFAULT_WAIT_MS) * 2 ^ (row - 1) * factor, LONGEST_WAIT_MS)
  return math.max(ends_at, math.ceil(ends_at - lease.length + wait))
end
local function reissue(t, number, record, due_ms, row)
  redis.call('HDEL', t.running, number)
  redis.call('HDEL', PROGRESS, number)
  if due_ms <= now_ms then
    join(t, number, priority_of(record), row, digits(now))
    return 'r', ''
  end
  local due = whole(due_ms)
  redis.call('HDEL', t.jobs, number)
  put_later(t, number, record, due)
  return 's', due
end
local function reap_job(t, lease, ends_at, number, record, head)
  local id = head.i or ''
  local f, c, h, row, inv = counts_of(t, number)
  if redis.call('HEXISTS', CANCELS, number) == 1 then
    end_job(t, number, 'cancelled', id, '{}', keep, now_ms)
    return 'x', '', '', counts_text(f, c, h, row, inv)
  end
  if not head.r then
    end_job(t, number, 'dead', id, '{"reason":"interrupted"}', keep, now_ms)
    return 'd', 'interrupted', '', counts_text(f, c, h, row, inv)
  end
  c, row = c + 1, row + 1
  local counts = counts_text(f, c, h, row, inv)
  redis.call('HSET', t.tries, number, counts)
  redis.call('HINCRBY', t.stats, 'crashes', 1)
  if row >= MOST_CRASHES_IN_ROW or (head.r > 0 and f + c >= head.r) then
    end_job(t, number, 'dead', id, '{"reason":"crashes"}', keep, now_ms)
    return 'd', 'crashes', '', counts
  end
  local state, due = reissue(t, number, record, due_after_crash(lease, ends_at, head, row), row)
  return state, '', due, counts
end
local function reap_lease(fence, index, grace_from)
  local t, lease = tasks[index], read_lease(fence)
  local score = redis.call('ZSCORE', LEASES, fence)
  local ends_at = tonumber(score or '0')
  if ends_at > now_ms then return end
  if not lease then
    redis.call('ZREM', LEASES, fence)
    return
  end
  if now_ms < grace_from + lease.length then return end
  if not score then ends_at = now_ms end
  redis.call('ZREM', LEASES, fence)
  redis.call('HDEL', LEASE, fence)
  forget_lease(lease.length)
  for _, number in ipairs(lease.numbers) do
    local record = redis.call('HGET', t.jobs, number)
    if record and redis.call('HGET', t.running, number) == fence then
      local head = head_of(record)
      local state, reason, due, counts = reap_job(t, lease, ends_at, number, record, head)
      local id = head.i or ''
      reaped[#reaped + 1] = { tostring(index), fence, number, id, state, reason, due, counts }
    end
  end
  wake_one(t)
end
local ENOUGH_JOBS = 500
local grace_from = note_time(now_ms)
for k = i, #ARGV, 2 do
  if #reaped < ENOUGH_JOBS then reap_lease(ARGV[k], tonumber(ARGV[k + 1]), grace_from) end
end
return reaped
`,
  },
  "recall": {
    sha1: "d4c9896faa416076ad59bbd45229e166bbf70d96",
    text: `#!lua flags=allow-oom
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS, SESSION = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SHARD_KEYS = 10
local TASK_KEYS = 17
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], running = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17],
  }
end
local function whole(n)
  return string.format('%.0f', n)
end
local function read_lease(fence)
  local text = redis.call('HGET', LEASE, fence)
  if not text then return nil end
  local length, owner, numbers, task = string.match(text, '^(%d+)|([^|]*)|([%d ]*)|(.*)$')
  local lease = {
    fence = fence, length = tonumber(length), owner = owner, task = task, numbers = {}, has = {},
  }
  for number in string.gmatch(numbers, '%d+') do
    lease.numbers[#lease.numbers + 1] = number
    lease.has[number] = true
  end
  return lease
end
local function shrink_lease(lease)
  local left = {}
  for _, number in ipairs(lease.numbers) do
    if lease.has[number] then left[#left + 1] = number end
  end
  if #left == #lease.numbers then return end
  if #left == 0 then
    redis.call('HDEL', LEASE, lease.fence)
    redis.call('ZREM', LEASES, lease.fence)
    forget_lease(lease.length)
  else
    redis.call('HSET', LEASE, lease.fence,
      string.format('%d|%s|%s|', lease.length, lease.owner, table.concat(left, ' ')) .. lease.task)
  end
end
local function describe_batch(t, numbers, records)
  local counts, any = {}, false
  if redis.call('EXISTS', t.tries) == 1 then
    local found = redis.call('HMGET', t.tries, unpack(numbers))
    for k = 1, #numbers do
      counts[k] = found[k] or ''
      any = any or counts[k] ~= ''
    end
  end
  return { table.concat(numbers, ' '), any and table.concat(counts, ';') or '', unpack(records) }
end
local task_count = tonumber(ARGV[1])
local batches = {}
for k = 2 + task_count, #ARGV, 2 do
  local lease = read_lease(ARGV[k])
  local index = tonumber(ARGV[k + 1])
  local t = task_keys(index, ARGV[1 + index])
  local numbers, records = {}, {}
  if lease then
    local found = redis.call('HMGET', t.jobs, unpack(lease.numbers))
    for n, number in ipairs(lease.numbers) do
      if found[n] then
        numbers[#numbers + 1], records[#records + 1] = number, found[n]
      end
    end
  end
  batches[#batches + 1] = #numbers > 0 and describe_batch(t, numbers, records) or {}
end
return batches
`,
  },
  "redrive": {
    sha1: "2c78bd23c66662a9be5680d7473a0436a0c5a6bd",
    text: `#!lua flags=allow-oom
local function now_us()
  local time = redis.call('TIME')
  local offset_ms = redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'test:offset')
  return time[1] * 1000000 + time[2] + (tonumber(offset_ms or '0')) * 1000
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS, SESSION = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SHARD_KEYS = 10
local TASK_KEYS = 17
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], running = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17],
  }
end
local function whole(n)
  return string.format('%.0f', n)
end
local function digits(n)
  return string.format('%016.0f', n)
end
local function take_numbers(field, count, now)
  local last = tonumber(redis.call('HGET', META, field) or '0')
  local first = math.max(last + 1, now)
  redis.call('HSET', META, field, digits(first + count - 1))
  return first
end
local function wake_one(t)
  for _ = 1, 3 do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return end
    if redis.call('PUBLISH', CHANNEL .. sleeper, 't' .. t.name) > 0 then return end
  end
end
local function head_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return {} end
  local ok, head = pcall(cjson.decode, string.sub(record, 1, stop - 1))
  return ok and type(head) == 'table' and head or {}
end
local function priority_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return '0' end
  return string.match(string.sub(record, 1, stop - 1), '"p":(-?%d+)') or '0'
end
local function counts_of(t, number)
  local text = redis.call('HGET', t.tries, number)
  if not text then return 0, 0, 0, 0, 0 end
  local f, c, h, row, inv = string.match(text, '^(%d+),(%d+),(%d+),(%d+),(%d+)$')
  return tonumber(f), tonumber(c), tonumber(h), tonumber(row), tonumber(inv)
end
local function counts_text(f, c, h, row, inv)
  return string.format('%d,%d,%d,%d,%d', f, c, h, row, inv)
end
local ALONE_AFTER = 3
local function join(t, number, priority, row, order)
  if row >= ALONE_AFTER then
    redis.call('RPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('RPUSH', t.ready, number)
  else
    redis.call('ZADD', t.prio, priority, '1' .. order .. ':' .. number)
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
local function join_front(t, number, priority, row)
  if row >= ALONE_AFTER then
    redis.call('LPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('LPUSH', t.ready, number)
  else
    redis.call('ZADD', t.prio, priority, '0' .. number .. ':' .. number)
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
local function put_later(t, number, record, due_ms)
  redis.call('HSET', t.later, number, record)
  redis.call('ZADD', t.due, due_ms, number)
  if redis.call('ZADD', MOMENTS, 'LT', 'CH', due_ms, t.name) > 0 then wake_one(t) end
end
local function keep_rules(i)
  return {
    idMs = tonumber(ARGV[i]), idCount = tonumber(ARGV[i + 1]),
    completed = { tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]) },
    dead = { tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]) },
    cancelled = { tonumber(ARGV[i + 6]), tonumber(ARGV[i + 7]) },
  }
end
local KEEP_ARGS = 8
local STATE_LETTER = { completed = 'c', dead = 'd', cancelled = 'x' }
local function bound(index, hash, count, stats)
  local over = redis.call('ZCARD', index) - count
  if over <= 0 then return end
  local oldest = redis.call('ZPOPMIN', index, math.min(over, 100))
  for k = 1, #oldest, 2 do redis.call('HDEL', hash, oldest[k]) end
  redis.call('HINCRBY', stats, 'dropped', #oldest / 2)
end
local function remember_end(t, id, number, state, keep, now_ms, kept_ms)
  local entry = redis.call('HGET', t.ids, id)
  if entry and string.match(entry, '^%d+') ~= number then return end
  redis.call('HSET', t.ids, id, number .. ':' .. STATE_LETTER[state])
  redis.call('ZADD', t.idends, whole(now_ms + math.max(keep.idMs, kept_ms)), id)
  bound(t.idends, t.ids, keep.idCount, t.stats)
end
local function end_job(t, number, state, id, detail, keep, now_ms, record)
  now_ms = math.floor(now_ms)
  local rule = keep[state]
  local kept_ms = 0
  if rule[2] > 0 then
    record = record or redis.call('HGET', t.jobs, number)
    if record then
      kept_ms = rule[1]
      local counts = redis.call('HGET', t.tries, number) or ''
      local head = { STATE_LETTER[state], whole(now_ms), counts, detail }
      redis.call('HSET', t.ended, number, table.concat(head, '|') .. '\\n' .. record)
      redis.call('ZADD', t[state], whole(now_ms), number)
      bound(t[state], t.ended, rule[2], t.stats)
    end
  end
  redis.call('HDEL', t.jobs, number)
  redis.call('HDEL', t.running, number)
  if redis.call('HDEL', t.tries, number) == 1 then redis.call('HDEL', t.errors, number) end
  redis.call('HDEL', CANCELS, number)
  redis.call('HDEL', PROGRESS, number)
  redis.call('HINCRBY', t.stats, state, 1)
  if id ~= '' then remember_end(t, id, number, state, keep, now_ms, kept_ms) end
end
local t, id, old, record = task_keys(1, ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local ended = redis.call('HGET', t.ended, old)
if not ended then return 0 end
local letter = string.sub(ended, 1, 1)
if letter ~= 'd' and letter ~= 'x' then return 0 end
local entry = redis.call('HGET', t.ids, id)
if entry and string.match(entry, '^%d+') ~= old then return 2 end
local number = digits(take_numbers('number', 1, now_us()))
redis.call('HSET', t.jobs, number, record)
redis.call('HSET', t.ids, id, number)
redis.call('ZREM', t.idends, id)
redis.call('HDEL', t.ended, old)
redis.call('ZREM', letter == 'd' and t.dead or t.cancelled, old)
join(t, number, priority_of(record), 0, number)
wake_one(t)
return 1
`,
  },
  "register": {
    sha1: "6586a4b4f3cacb6c4b777b52b0fdfa6fb8e77b77",
    text: `#!lua flags=allow-oom
local function now_us()
  local time = redis.call('TIME')
  local offset_ms = redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'test:offset')
  return time[1] * 1000000 + time[2] + (tonumber(offset_ms or '0')) * 1000
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS, SESSION = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SHARD_KEYS = 10
local TASK_KEYS = 17
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], running = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17],
  }
end
local function whole(n)
  return string.format('%.0f', n)
end
local function read_schedule(id)
  local text = redis.call('HGET', SCHEDULES, id)
  if not text then return nil end
  local revision, fired, length, start = string.match(text, '^(%d+) (%d+) (%d+) ()')
  return {
    revision = tonumber(revision), fired = tonumber(fired),
    task = string.sub(text, start, start + length - 1),
    definition = string.sub(text, start + length),
  }
end
local function write_schedule(id, s)
  redis.call('HSET', SCHEDULES, id,
    string.format('%.0f %.0f %d ', s.revision, s.fired, #s.task) .. s.task .. s.definition)
end
local now_ms = now_us() / 1000
local function wake_keepers(id)
  local text = redis.call('HGET', KEEPERS, 's' .. id) or ''
  for keeper in string.gmatch(text, ' (%S+)') do redis.call('PUBLISH', CHANNEL .. keeper, 'l') end
end
local function move_cursor(id, s, first)
  local cursor = tonumber(redis.call('ZSCORE', CURSORS, id) or nil)
  if cursor and cursor <= now_ms then return end
  if not first then
    redis.call('ZREM', CURSORS, id)
  elseif first > s.fired then
    redis.call('ZADD', CURSORS, whole(first), id)
    if not cursor or first < cursor then wake_keepers(id) end
  end
end
local function register(id, task, definition, first)
  local s = read_schedule(id)
  if s and s.task ~= task then return 'conflict', s.revision end
  if s and s.definition == definition then return 'unchanged', s.revision end
  local outcome = s and 'changed' or 'added'
  s = s or { revision = 0, fired = 0, task = task }
  s.revision, s.definition = s.revision + 1, definition
  write_schedule(id, s)
  move_cursor(id, s, first)
  return outcome, s.revision
end
local answers = {}
for k = 1, #ARGV, 4 do
  local outcome, revision = register(ARGV[k], ARGV[k + 1], ARGV[k + 2], tonumber(ARGV[k + 3]))
  local cursor = redis.call('ZSCORE', CURSORS, ARGV[k]) or ''
  answers[#answers + 1] = { outcome, tostring(revision), cursor }
end
return answers
`,
  },
  "renew": {
    sha1: "37fcc20bfe60b3d28115c4300c78c66573ed0bfc",
    text: `#!lua flags=allow-oom
local function now_us()
  local time = redis.call('TIME')
  local offset_ms = redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'test:offset')
  return time[1] * 1000000 + time[2] + (tonumber(offset_ms or '0')) * 1000
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS, SESSION = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SHARD_KEYS = 10
local TASK_KEYS = 17
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], running = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17],
  }
end
local function whole(n)
  return string.format('%.0f', n)
end
local function read_lengths(text)
  local lengths = {}
  for length, count in string.gmatch(text or '', '(%d+)=(%d+)') do
    lengths[length] = tonumber(count)
  end
  return lengths
end
local function count_lease(lengths, length_ms, by)
  local key = whole(length_ms)
  lengths[key] = (lengths[key] or 0) + by
  local parts = {}
  for length, count in pairs(lengths) do
    if count > 0 then parts[#parts + 1] = length .. '=' .. count end
  end
  table.sort(parts)
  redis.call('HSET', META, 'lengths', table.concat(parts, ' '))
end
local function forget_lease(length_ms)
  count_lease(read_lengths(redis.call('HGET', META, 'lengths')), length_ms, -1)
end
local SHORTEST_KNOWN_MS = 1000
local function shortest_of(lengths)
  local shortest = math.huge
  for length in pairs(lengths) do shortest = math.min(shortest, tonumber(length)) end
  return shortest < math.huge and shortest or SHORTEST_KNOWN_MS
end
local function clamp_leases(now_ms, shortest)
  local after = '(' .. whole(math.floor(now_ms + shortest))
  local far = redis.call('ZRANGEBYSCORE', LEASES, after, '+inf', 'WITHSCORES', 'LIMIT', 0, 1000)
  for k = 1, #far, 2 do
    local length = tonumber(string.match(redis.call('HGET', LEASE, far[k]) or '', '^(%d+)|'))
    local latest = math.floor(now_ms + (length or shortest))
    if tonumber(far[k + 1]) > latest then redis.call('ZADD', LEASES, whole(latest), far[k]) end
  end
end
local function note_time(now_ms)
  if redis.call('ZCARD', LEASES) == 0 then return 0, nil, {} end
  local m = redis.call('HMGET', META, 'noted', 'graceFrom', 'lengths')
  local noted, from = tonumber(m[1]), tonumber(m[2] or '0')
  local lengths = read_lengths(m[3])
  local shortest = shortest_of(lengths)
  local gap = noted and now_ms - noted or math.huge
  local this = math.floor(now_ms)
  if gap > shortest * 2 / 3 or gap < 0 then
    noted, from = this, this
    redis.call('HSET', META, 'noted', whole(this), 'graceFrom', whole(this))
    if gap < 0 then clamp_leases(now_ms, shortest) end
  elseif gap >= shortest / 3 then
    noted = this
    redis.call('HSET', META, 'noted', whole(this))
  end
  return from, noted + shortest / 3, lengths
end
local function note_lease(now_ms, lease_ms)
  local _, next_note, lengths = note_time(now_ms)
  if not next_note then
    redis.call('HSET', META, 'noted', whole(math.floor(now_ms)), 'graceFrom', '0')
  elseif lease_ms < shortest_of(lengths) then
    redis.call('HSET', META, 'noted', whole(math.floor(now_ms)))
  end
  count_lease(lengths, lease_ms, 1)
end
local function read_lease(fence)
  local text = redis.call('HGET', LEASE, fence)
  if not text then return nil end
  local length, owner, numbers, task = string.match(text, '^(%d+)|([^|]*)|([%d ]*)|(.*)$')
  local lease = {
    fence = fence, length = tonumber(length), owner = owner, task = task, numbers = {}, has = {},
  }
  for number in string.gmatch(numbers, '%d+') do
    lease.numbers[#lease.numbers + 1] = number
    lease.has[number] = true
  end
  return lease
end
local function shrink_lease(lease)
  local left = {}
  for _, number in ipairs(lease.numbers) do
    if lease.has[number] then left[#left + 1] = number end
  end
  if #left == #lease.numbers then return end
  if #left == 0 then
    redis.call('HDEL', LEASE, lease.fence)
    redis.call('ZREM', LEASES, lease.fence)
    forget_lease(lease.length)
  else
    redis.call('HSET', LEASE, lease.fence,
      string.format('%d|%s|%s|', lease.length, lease.owner, table.concat(left, ' ')) .. lease.task)
  end
end
local function describe_batch(t, numbers, records)
  local counts, any = {}, false
  if redis.call('EXISTS', t.tries) == 1 then
    local found = redis.call('HMGET', t.tries, unpack(numbers))
    for k = 1, #numbers do
      counts[k] = found[k] or ''
      any = any or counts[k] ~= ''
    end
  end
  return { table.concat(numbers, ' '), any and table.concat(counts, ';') or '', unpack(records) }
end
local now_ms = now_us() / 1000
local count = tonumber(ARGV[1])
local lost, cancelled, held = {}, {}, {}
note_time(now_ms)
local marks = redis.call('HLEN', CANCELS) > 0
redis.call('EXPIRE', SESSION, 86400)
for k = 1, count do
  local lease = read_lease(ARGV[1 + k])
  if not lease then
    lost[#lost + 1] = ARGV[1 + k]
  else
    redis.call('ZADD', LEASES, whole(math.floor(now_ms + lease.length)), lease.fence)
    for _, number in ipairs(lease.numbers) do
      held[number] = true
      if marks and redis.call('HEXISTS', CANCELS, number) == 1 then
        cancelled[#cancelled + 1] = lease.fence
        cancelled[#cancelled + 1] = number
      end
    end
  end
end
for k = 2 + count, #ARGV, 2 do
  if held[ARGV[k]] then redis.call('HSET', PROGRESS, ARGV[k], ARGV[k + 1]) end
end
return { lost, cancelled }
`,
  },
  "resync": {
    sha1: "a34b6a871c5239383b01993267f2ca0911145dc9",
    text: `#!lua flags=allow-oom
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS, SESSION = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SHARD_KEYS = 10
local TASK_KEYS = 17
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], running = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17],
  }
end
local function whole(n)
  return string.format('%.0f', n)
end
local KEPT_ANSWERS = 4
local function begin_call(lane, epoch, seq)
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
local function end_call(lane, seq, answer)
  redis.call('HSET', SESSION, lane .. ':answer' .. (tonumber(seq) % KEPT_ANSWERS), answer)
end
local lane, epoch = ARGV[1], ARGV[2]
local stored = redis.call('HGET', SESSION, lane .. ':epoch')
if stored and tonumber(stored) > tonumber(epoch) then
  return redis.error_reply('SMQEPOCH a later epoch is open')
end
local known = stored and '1' or '0'
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
  "work": {
    sha1: "6816f1de570c1d7b82828c6cb24f4230abdde2c9",
    text: `#!lua flags=allow-oom
local function now_us()
  local time = redis.call('TIME')
  local offset_ms = redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'test:offset')
  return time[1] * 1000000 + time[2] + (tonumber(offset_ms or '0')) * 1000
end
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS, SESSION = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SHARD_KEYS = 10
local TASK_KEYS = 17
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'
local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], running = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17],
  }
end
local function whole(n)
  return string.format('%.0f', n)
end
local function digits(n)
  return string.format('%016.0f', n)
end
local function take_numbers(field, count, now)
  local last = tonumber(redis.call('HGET', META, field) or '0')
  local first = math.max(last + 1, now)
  redis.call('HSET', META, field, digits(first + count - 1))
  return first
end
local function read_lengths(text)
  local lengths = {}
  for length, count in string.gmatch(text or '', '(%d+)=(%d+)') do
    lengths[length] = tonumber(count)
  end
  return lengths
end
local function count_lease(lengths, length_ms, by)
  local key = whole(length_ms)
  lengths[key] = (lengths[key] or 0) + by
  local parts = {}
  for length, count in pairs(lengths) do
    if count > 0 then parts[#parts + 1] = length .. '=' .. count end
  end
  table.sort(parts)
  redis.call('HSET', META, 'lengths', table.concat(parts, ' '))
end
local function forget_lease(length_ms)
  count_lease(read_lengths(redis.call('HGET', META, 'lengths')), length_ms, -1)
end
local SHORTEST_KNOWN_MS = 1000
local function shortest_of(lengths)
  local shortest = math.huge
  for length in pairs(lengths) do shortest = math.min(shortest, tonumber(length)) end
  return shortest < math.huge and shortest or SHORTEST_KNOWN_MS
end
local function clamp_leases(now_ms, shortest)
  local after = '(' .. whole(math.floor(now_ms + shortest))
  local far = redis.call('ZRANGEBYSCORE', LEASES, after, '+inf', 'WITHSCORES', 'LIMIT', 0, 1000)
  for k = 1, #far, 2 do
    local length = tonumber(string.match(redis.call('HGET', LEASE, far[k]) or '', '^(%d+)|'))
    local latest = math.floor(now_ms + (length or shortest))
    if tonumber(far[k + 1]) > latest then redis.call('ZADD', LEASES, whole(latest), far[k]) end
  end
end
local function note_time(now_ms)
  if redis.call('ZCARD', LEASES) == 0 then return 0, nil, {} end
  local m = redis.call('HMGET', META, 'noted', 'graceFrom', 'lengths')
  local noted, from = tonumber(m[1]), tonumber(m[2] or '0')
  local lengths = read_lengths(m[3])
  local shortest = shortest_of(lengths)
  local gap = noted and now_ms - noted or math.huge
  local this = math.floor(now_ms)
  if gap > shortest * 2 / 3 or gap < 0 then
    noted, from = this, this
    redis.call('HSET', META, 'noted', whole(this), 'graceFrom', whole(this))
    if gap < 0 then clamp_leases(now_ms, shortest) end
  elseif gap >= shortest / 3 then
    noted = this
    redis.call('HSET', META, 'noted', whole(this))
  end
  return from, noted + shortest / 3, lengths
end
local function note_lease(now_ms, lease_ms)
  local _, next_note, lengths = note_time(now_ms)
  if not next_note then
    redis.call('HSET', META, 'noted', whole(math.floor(now_ms)), 'graceFrom', '0')
  elseif lease_ms < shortest_of(lengths) then
    redis.call('HSET', META, 'noted', whole(math.floor(now_ms)))
  end
  count_lease(lengths, lease_ms, 1)
end
local KEPT_ANSWERS = 4
local function begin_call(lane, epoch, seq)
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
local function end_call(lane, seq, answer)
  redis.call('HSET', SESSION, lane .. ':answer' .. (tonumber(seq) % KEPT_ANSWERS), answer)
end
local function wake_one(t)
  for _ = 1, 3 do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return end
    if redis.call('PUBLISH', CHANNEL .. sleeper, 't' .. t.name) > 0 then return end
  end
end
local function head_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return {} end
  local ok, head = pcall(cjson.decode, string.sub(record, 1, stop - 1))
  return ok and type(head) == 'table' and head or {}
end
local function priority_of(record)
  local stop = string.find(record, '\\n', 1, true)
  if not stop or stop == 1 then return '0' end
  return string.match(string.sub(record, 1, stop - 1), '"p":(-?%d+)') or '0'
end
local function counts_of(t, number)
  local text = redis.call('HGET', t.tries, number)
  if not text then return 0, 0, 0, 0, 0 end
  local f, c, h, row, inv = string.match(text, '^(%d+),(%d+),(%d+),(%d+),(%d+)$')
  return tonumber(f), tonumber(c), tonumber(h), tonumber(row), tonumber(inv)
end
local function counts_text(f, c, h, row, inv)
  return string.format('%d,%d,%d,%d,%d', f, c, h, row, inv)
end
local ALONE_AFTER = 3
local function join(t, number, priority, row, order)
  if row >= ALONE_AFTER then
    redis.call('RPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('RPUSH', t.ready, number)
  else
    redis.call('ZADD', t.prio, priority, '1' .. order .. ':' .. number)
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
local function join_front(t, number, priority, row)
  if row >= ALONE_AFTER then
    redis.call('LPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('LPUSH', t.ready, number)
  else
    redis.call('ZADD', t.prio, priority, '0' .. number .. ':' .. number)
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end
local function put_later(t, number, record, due_ms)
  redis.call('HSET', t.later, number, record)
  redis.call('ZADD', t.due, due_ms, number)
  if redis.call('ZADD', MOMENTS, 'LT', 'CH', due_ms, t.name) > 0 then wake_one(t) end
end
local function keep_rules(i)
  return {
    idMs = tonumber(ARGV[i]), idCount = tonumber(ARGV[i + 1]),
    completed = { tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]) },
    dead = { tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]) },
    cancelled = { tonumber(ARGV[i + 6]), tonumber(ARGV[i + 7]) },
  }
end
local KEEP_ARGS = 8
local STATE_LETTER = { completed = 'c', dead = 'd', cancelled = 'x' }
local function bound(index, hash, count, stats)
  local over = redis.call('ZCARD', index) - count
  if over <= 0 then return end
  local oldest = redis.call('ZPOPMIN', index, math.min(over, 100))
  for k = 1, #oldest, 2 do redis.call('HDEL', hash, oldest[k]) end
  redis.call('HINCRBY', stats, 'dropped', #oldest / 2)
end
local function remember_end(t, id, number, state, keep, now_ms, kept_ms)
  local entry = redis.call('HGET', t.ids, id)
  if entry and string.match(entry, '^%d+') ~= number then return end
  redis.call('HSET', t.ids, id, number .. ':' .. STATE_LETTER[state])
  redis.call('ZADD', t.idends, whole(now_ms + math.max(keep.idMs, kept_ms)), id)
  bound(t.idends, t.ids, keep.idCount, t.stats)
end
local function end_job(t, number, state, id, detail, keep, now_ms, record)
  now_ms = math.floor(now_ms)
  local rule = keep[state]
  local kept_ms = 0
  if rule[2] > 0 then
    record = record or redis.call('HGET', t.jobs, number)
    if record then
      kept_ms = rule[1]
      local counts = redis.call('HGET', t.tries, number) or ''
      local head = { STATE_LETTER[state], whole(now_ms), counts, detail }
      redis.call('HSET', t.ended, number, table.concat(head, '|') .. '\\n' .. record)
      redis.call('ZADD', t[state], whole(now_ms), number)
      bound(t[state], t.ended, rule[2], t.stats)
    end
  end
  redis.call('HDEL', t.jobs, number)
  redis.call('HDEL', t.running, number)
  if redis.call('HDEL', t.tries, number) == 1 then redis.call('HDEL', t.errors, number) end
  redis.call('HDEL', CANCELS, number)
  redis.call('HDEL', PROGRESS, number)
  redis.call('HINCRBY', t.stats, state, 1)
  if id ~= '' then remember_end(t, id, number, state, keep, now_ms, kept_ms) end
end
local function read_lease(fence)
  local text = redis.call('HGET', LEASE, fence)
  if not text then return nil end
  local length, owner, numbers, task = string.match(text, '^(%d+)|([^|]*)|([%d ]*)|(.*)$')
  local lease = {
    fence = fence, length = tonumber(length), owner = owner, task = task, numbers = {}, has = {},
  }
  for number in string.gmatch(numbers, '%d+') do
    lease.numbers[#lease.numbers + 1] = number
    lease.has[number] = true
  end
  return lease
end
local function shrink_lease(lease)
  local left = {}
  for _, number in ipairs(lease.numbers) do
    if lease.has[number] then left[#left + 1] = number end
  end
  if #left == #lease.numbers then return end
  if #left == 0 then
    redis.call('HDEL', LEASE, lease.fence)
    redis.call('ZREM', LEASES, lease.fence)
    forget_lease(lease.length)
  else
    redis.call('HSET', LEASE, lease.fence,
      string.format('%d|%s|%s|', lease.length, lease.owner, table.concat(left, ' ')) .. lease.task)
  end
end
local function describe_batch(t, numbers, records)
  local counts, any = {}, false
  if redis.call('EXISTS', t.tries) == 1 then
    local found = redis.call('HMGET', t.tries, unpack(numbers))
    for k = 1, #numbers do
      counts[k] = found[k] or ''
      any = any or counts[k] ~= ''
    end
  end
  return { table.concat(numbers, ' '), any and table.concat(counts, ';') or '', unpack(records) }
end
local MOST_BYTES = 4 * 1024 * 1024
local MOST_PROMOTED = 1000
local promote_budget = { jobs = MOST_PROMOTED, bytes = MOST_BYTES }
local function promote(t, now_ms, most)
  local budget = promote_budget
  while most > 0 and budget.jobs > 0 and budget.bytes > 0 do
    local now, n = string.format('%.3f', now_ms), math.min(most, budget.jobs, 50)
    local due = redis.call('ZRANGEBYSCORE', t.due, '-inf', now, 'LIMIT', 0, n)
    if #due == 0 then return end
    local records = redis.call('HMGET', t.later, unpack(due))
    redis.call('ZREM', t.due, unpack(due))
    redis.call('HDEL', t.later, unpack(due))
    for k, number in ipairs(due) do
      local record = records[k]
      if record then
        budget.bytes = budget.bytes - #record
        redis.call('HSET', t.jobs, number, record)
        local _, _, _, row = counts_of(t, number)
        join(t, number, priority_of(record), row, digits(now_ms * 1000))
      end
    end
    most, budget.jobs = most - #due, budget.jobs - #due
  end
end
local MOST_JOBS = 1000
local FIRST_CHUNK = 16
local function pop_hints(t, n)
  local hints = {}
  local prioritised = redis.call('ZCARD', t.prio) > 0
  local function pop_prio(low, high)
    local want = n - #hints
    local members = redis.call('ZRANGEBYSCORE', t.prio, low, high, 'WITHSCORES', 'LIMIT', 0, want)
    for k = 1, #members, 2 do
      redis.call('ZREM', t.prio, members[k])
      local hint = { member = members[k], score = members[k + 1] }
      hint.number = string.match(hint.member, ':(%d+)$')
      hints[#hints + 1] = hint
    end
  end
  if prioritised then pop_prio('-inf', '(0') end
  if #hints < n then
    for _, number in ipairs(redis.call('LPOP', t.ready, n - #hints) or {}) do
      hints[#hints + 1] = { number = number }
    end
  end
  if prioritised and #hints < n then pop_prio('(0', '+inf') end
  return hints
end
local function put_back(t, hint)
  if hint.member then
    redis.call('ZADD', t.prio, hint.score, hint.member)
  else
    redis.call('LPUSH', t.ready, hint.number)
  end
end
local function live_records(t, hints)
  local numbers = {}
  for k, hint in ipairs(hints) do numbers[k] = hint.number end
  local records = redis.call('HMGET', t.jobs, unpack(numbers))
  local running = redis.call('HMGET', t.running, unpack(numbers))
  for k in ipairs(hints) do
    if running[k] then records[k] = false end
  end
  return records
end
local function first_chunk(t, budget)
  local first = redis.call('LINDEX', t.ready, 0)
  local size = first and redis.call('HSTRLEN', t.jobs, first) or 0
  if size == 0 then return FIRST_CHUNK end
  return math.max(1, math.min(FIRST_CHUNK * 4, math.floor(budget.bytes / size)))
end
local function take(t, limit, budget)
  local jobs, chunk = {}, first_chunk(t, budget)
  while #jobs < limit and budget.bytes > 0 and budget.hints > 0 do
    local hints = pop_hints(t, math.min(chunk, limit - #jobs, budget.hints))
    if #hints == 0 then break end
    budget.hints = budget.hints - #hints
    local records = live_records(t, hints)
    local largest = 1
    for k, hint in ipairs(hints) do
      local size = records[k] and #records[k] or 0
      largest = math.max(largest, size)
      if size > 0 and budget.bytes <= 0 then
        for b = #hints, k, -1 do put_back(t, hints[b]) end
        return jobs
      elseif size > 0 then
        jobs[#jobs + 1] = { number = hint.number, record = records[k] }
        budget.bytes = budget.bytes - size
      end
    end
    chunk = math.max(1, math.min(limit, math.floor(budget.bytes / largest), 500))
  end
  return jobs
end
local function has_alone(t)
  for _ = 1, MOST_JOBS do
    local number = redis.call('LINDEX', t.alone, 0)
    if not number then return false end
    local there = redis.call('HEXISTS', t.jobs, number) == 1
    if there and redis.call('HEXISTS', t.running, number) == 0 then return true end
    redis.call('LPOP', t.alone)
    redis.call('HINCRBY', META, 'aloneJobs', -1)
  end
  return false
end
local function take_alone(t)
  if not has_alone(t) then return nil end
  local number = redis.call('LPOP', t.alone)
  redis.call('HINCRBY', META, 'aloneJobs', -1)
  return { number = number, record = redis.call('HGET', t.jobs, number) }
end
local function write_lease(t, jobs, lease_ms, owner, now)
  local now_ms = now / 1000
  note_lease(now_ms, lease_ms)
  local fence = digits(take_numbers('fence', 1, now))
  local numbers, running = {}, {}
  for k, job in ipairs(jobs) do
    numbers[k] = job.number
    running[2 * k - 1], running[2 * k] = job.number, fence
  end
  local text = lease_ms .. '|' .. owner .. '|' .. table.concat(numbers, ' ') .. '|' .. t.name
  redis.call('HSET', LEASE, fence, text)
  redis.call('ZADD', LEASES, whole(math.floor(now_ms + lease_ms)), fence)
  redis.call('HSET', t.running, unpack(running))
  return fence
end
local function update_moment(t, now_ms, alone_from)
  if redis.call('LLEN', t.ready) > 0 or redis.call('ZCARD', t.prio) > 0 then
    redis.call('ZADD', MOMENTS, 0, t.name)
    return true
  end
  local moment = tonumber(redis.call('ZRANGE', t.due, 0, 0, 'WITHSCORES')[2])
  if moment and moment <= now_ms then
    redis.call('ZADD', MOMENTS, 0, t.name)
    return true
  end
  if has_alone(t) then
    moment = math.min(moment or math.huge, alone_from or 0)
  end
  if moment then
    redis.call('ZADD', MOMENTS, whole(moment), t.name)
  else
    redis.call('ZREM', MOMENTS, t.name)
  end
  return false
end
local function complete_plain(t, lease, numbers)
  redis.call('HDEL', t.jobs, unpack(numbers))
  redis.call('HDEL', t.running, unpack(numbers))
  redis.call('HDEL', PROGRESS, unpack(numbers))
  if redis.call('EXISTS', t.tries) == 1 then
    redis.call('HDEL', t.tries, unpack(numbers))
    redis.call('HDEL', t.errors, unpack(numbers))
  end
  redis.call('HINCRBY', t.stats, 'completed', #numbers)
  for _, number in ipairs(numbers) do lease.has[number] = nil end
end
local function count_failure(t, number, invalid)
  local f, c, h, _, inv = counts_of(t, number)
  redis.call('HSET', t.tries, number, counts_text(f + 1, c, h, 0, invalid and inv + 1 or 0))
  redis.call('HINCRBY', t.stats, 'failures', 1)
end
local function retry_job(t, job, now)
  local number, wait_ms = job.number, job.wait_ms
  local record = redis.call('HGET', t.jobs, number)
  if not record then return 'l' end
  count_failure(t, number, job.outcome == 'v')
  redis.call('HSET', t.errors, number, job.detail)
  redis.call('HDEL', t.running, number)
  redis.call('HDEL', PROGRESS, number)
  if wait_ms <= 0 then
    join(t, number, priority_of(record), 0, digits(now))
    wake_one(t)
    return 'r'
  end
  local due = whole(math.ceil(now / 1000 + wait_ms))
  redis.call('HDEL', t.jobs, number)
  put_later(t, number, record, due)
  return 's' .. due
end
local function hand_back(t, number)
  local record = redis.call('HGET', t.jobs, number)
  if not record then return end
  local f, c, h, row, inv = counts_of(t, number)
  redis.call('HSET', t.tries, number, counts_text(f, c, h + 1, row, inv))
  redis.call('HDEL', t.running, number)
  redis.call('HDEL', PROGRESS, number)
  join_front(t, number, priority_of(record), row)
end
local function settle_one(t, job, keep, now)
  local number, outcome, id, detail = job.number, job.outcome, job.id, job.detail
  if redis.call('HDEL', CANCELS, number) == 1 then
    end_job(t, number, 'cancelled', id, '{}', keep, now / 1000)
    return 'x'
  elseif outcome == 'c' then
    end_job(t, number, 'completed', id, detail, keep, now / 1000)
    return 'c'
  elseif outcome == 'd' or outcome == 'n' or outcome == 'i' then
    if outcome ~= 'i' then count_failure(t, number, outcome == 'n') end
    end_job(t, number, 'dead', id, detail, keep, now / 1000)
    return 'd'
  end
  return retry_job(t, job, now)
end
local function split_cancelled(lease, numbers)
  local marked = redis.call('HLEN', CANCELS) > 0
  local marks = marked and redis.call('HMGET', CANCELS, unpack(numbers)) or {}
  local plain, cancelled = {}, {}
  for k, number in ipairs(numbers) do
    if lease.has[number] then
      if marks[k] then cancelled[number] = true else plain[#plain + 1] = number end
    end
  end
  return plain, cancelled
end
local repeated = begin_call('work', ARGV[1], ARGV[2])
if repeated then return repeated end
local identity, idle, lease_ms = ARGV[3], ARGV[4] == '1', tonumber(ARGV[5])
local keep = keep_rules(6)
local i = 6 + KEEP_ARGS
local now = now_us()
local now_ms = now / 1000
local task_count = tonumber(ARGV[i])
local tasks = {}
for k = 1, task_count do tasks[k] = task_keys(k, ARGV[i + k]) end
i = i + task_count + 1
local MOST_PAST_HOLDERS, REST_IN_LEASES = 10, 10
local settled, handed_back = {}, {}
local function settle_plain(t, lease, at, n)
  local numbers = {}
  for k = 1, n do numbers[k] = ARGV[at + k - 1] end
  if not lease then
    for _ = 1, n do settled[#settled + 1] = 'l' end
    return
  end
  local has = {}
  for _, number in ipairs(numbers) do has[number] = lease.has[number] end
  local plain, cancelled = split_cancelled(lease, numbers)
  if #plain > 0 then complete_plain(t, lease, plain) end
  for _, number in ipairs(numbers) do
    if cancelled[number] then
      lease.has[number] = nil
      local job = { number = number, outcome = 'c', id = '', detail = '{}' }
      settled[#settled + 1] = settle_one(t, job, keep, now)
    else
      settled[#settled + 1] = has[number] and 'c' or 'l'
    end
  end
end
local function settle_special(t, lease, at, n)
  for k = 0, n - 1 do
    local a = at + 5 * k
    local number, outcome = ARGV[a], ARGV[a + 1]
    if not lease or not lease.has[number] then
      settled[#settled + 1] = 'l'
    elseif outcome == 'h' and redis.call('HEXISTS', CANCELS, number) == 0 then
      lease.has[number] = nil
      handed_back[#handed_back + 1] = { t = t, number = number }
      settled[#settled + 1] = 'h'
    else
      lease.has[number] = nil
      local job = { number = number, outcome = outcome, id = ARGV[a + 2], detail = ARGV[a + 4] }
      job.wait_ms = tonumber(ARGV[a + 3])
      settled[#settled + 1] = settle_one(t, job, keep, now)
    end
  end
end
local groups = tonumber(ARGV[i])
i = i + 1
for _ = 1, groups do
  local t, fence, kind = tasks[tonumber(ARGV[i])], ARGV[i + 1], ARGV[i + 2]
  local n = tonumber(ARGV[i + 3])
  local lease = read_lease(fence)
  if lease and lease.task ~= t.name then lease = nil end
  i = i + 4
  if kind == 'c' then
    settle_plain(t, lease, i, n)
    i = i + n
  else
    settle_special(t, lease, i, n)
    i = i + 5 * n
  end
  if lease then shrink_lease(lease) end
end
table.sort(handed_back, function(a, b) return a.number > b.number end)
for _, back in ipairs(handed_back) do hand_back(back.t, back.number) end
for _, back in ipairs(handed_back) do wake_one(back.t) end
local leases, batches, more, drain = {}, {}, {}, false
local budget = { bytes = MOST_BYTES, jobs = MOST_JOBS, hints = MOST_JOBS }
local function lease_out(index, jobs, alone)
  local t = tasks[index]
  local numbers, records = {}, {}
  for k, job in ipairs(jobs) do numbers[k], records[k] = job.number, job.record end
  local fence = write_lease(t, jobs, lease_ms, identity, now)
  leases[#leases + 1] = fence .. ':' .. index .. ':' .. (alone and '1' or '0')
  batches[#batches + 1] = describe_batch(t, numbers, records)
end
local function split_by_crashes(t, jobs)
  if redis.call('EXISTS', t.tries) == 0 then return jobs, {} end
  local calm, crashed = {}, {}
  for _, job in ipairs(jobs) do
    local _, _, _, row = counts_of(t, job.number)
    if row >= ALONE_AFTER then
      redis.call('RPUSH', t.alone, job.number)
      redis.call('HINCRBY', META, 'aloneJobs', 1)
    elseif row > 0 then
      crashed[#crashed + 1] = job
    else
      calm[#calm + 1] = job
    end
  end
  return calm, crashed
end
local function claim(index, limit, alone_from)
  local t = tasks[index]
  local jobs = take(t, math.min(limit, budget.jobs), budget)
  budget.jobs = budget.jobs - #jobs
  local calm, crashed = split_by_crashes(t, jobs)
  if #calm > 0 then lease_out(index, calm, false) end
  for _, job in ipairs(crashed) do lease_out(index, { job }, false) end
  if #jobs > 0 then redis.call('SREM', t.sleepers, identity) end
  if update_moment(t, now_ms, alone_from) then
    more[#more + 1] = index
    wake_one(t)
  end
end
local function past_holders(text, by, til)
  local past, n = {}, 0
  for holder, rest_til in string.gmatch(text or '', '(%S+)=(%d+)') do
    if tonumber(rest_til) > now_ms and n < MOST_PAST_HOLDERS then
      past[holder], n = tonumber(rest_til), n + 1
    end
  end
  if by then past[by] = til + REST_IN_LEASES * lease_ms end
  return past
end
local function past_text(past)
  local parts = {}
  for holder, til in pairs(past) do parts[#parts + 1] = holder .. '=' .. whole(til) end
  table.sort(parts)
  return table.concat(parts, ' ')
end
local function reserve_alone()
  local m = redis.call('HMGET', META, 'aloneBy', 'aloneTil', 'alonePast')
  local by, til = m[1], tonumber(m[2] or '0')
  if til > now_ms and til <= now_ms + lease_ms * 10 then return til, by == identity end
  local past = past_holders(m[3], by, til)
  if past[identity] and past[identity] > now_ms then
    redis.call('HDEL', META, 'aloneBy', 'aloneTil')
    redis.call('HSET', META, 'alonePast', past_text(past))
    return now_ms + lease_ms, false
  end
  til = math.ceil(now_ms + lease_ms)
  local past_now = past_text(past)
  redis.call('HSET', META, 'aloneBy', identity, 'aloneTil', whole(til), 'alonePast', past_now)
  return til, true
end
local function forget_alone()
  local m = redis.call('HMGET', META, 'aloneJobs', 'aloneBy', 'alonePast')
  if (m[2] or m[3]) and tonumber(m[1] or '0') <= 0 then
    redis.call('HDEL', META, 'aloneBy', 'aloneTil', 'alonePast')
  end
end
local function claim_alone(claims, first)
  local job = take_alone(tasks[first.index])
  if not job then return false end
  lease_out(first.index, { job }, true)
  redis.call('HDEL', META, 'aloneBy', 'aloneTil', 'alonePast')
  for _, c in ipairs(claims) do
    if update_moment(tasks[c.index], now_ms) then more[#more + 1] = c.index end
  end
  return true
end
local claims, claim_count, first = {}, tonumber(ARGV[i]), nil
for k = 1, claim_count do
  local c = { index = tonumber(ARGV[i + 2 * k - 1]), limit = tonumber(ARGV[i + 2 * k]) }
  claims[k] = c
  promote(tasks[c.index], now_ms, math.max(c.limit, 100))
  if not first and c.limit > 0 and has_alone(tasks[c.index]) then first = c end
end
local alone_from, taken_alone = nil, false
if first and idle then
  taken_alone = claim_alone(claims, first)
elseif first then
  alone_from, drain = reserve_alone()
elseif claim_count > 0 then
  forget_alone()
end
for _, c in ipairs(claims) do
  if drain then
    more[#more + 1] = c.index
  elseif taken_alone then
    break
  elseif budget.jobs > 0 and budget.bytes > 0 and c.limit > 0 then
    claim(c.index, c.limit, alone_from)
  else
    more[#more + 1] = c.index
  end
end
local answer = table.concat({
  table.concat(settled, ','), table.concat(leases, ','), table.concat(more, ','),
  drain and '1' or '0',
}, '|')
end_call('work', ARGV[2], answer)
return { answer, unpack(batches) }
`,
  },
};
