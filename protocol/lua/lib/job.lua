-- job: how a job gets into line, waits, and ends. Records are `head \n payload`; only heads are
-- read here.
-- @include lib/rare.lua
-- @include lib/number.lua
-- @include lib/later.lua

local function head_of(record)
  local stop = string.find(record, '\n', 1, true)
  if not stop or stop == 1 then return {} end
  -- What no client of ours wrote is taken as retry off: better than a lease that nobody can reap.
  local ok, head = pcall(cjson.decode, string.sub(record, 1, stop - 1))
  return ok and type(head) == 'table' and head or {}
end

-- The priority without decoding: within JSON, '"p":' outside of a name has its quotes escaped.
local function priority_of(record)
  if not string.find(record, '"p":', 1, true) then return '0' end
  local stop = string.find(record, '\n', 1, true)
  if not stop or stop == 1 then return '0' end
  return string.match(string.sub(record, 1, stop - 1), '"p":(-?%d+)') or '0'
end

-- failures, crashes, handOffs, crashesInRow, invalidInRow
local function counts_in(text)
  if not text then return 0, 0, 0, 0, 0 end
  local f, c, h, row, inv = string.match(text, '^(%d+),(%d+),(%d+),(%d+),(%d+)$')
  return tonumber(f), tonumber(c), tonumber(h), tonumber(row), tonumber(inv)
end

local function counts_of(t, number)
  return counts_in(exists(t.tries) and redis.call('HGET', t.tries, number))
end

local function counts_text(f, c, h, row, inv)
  return string.format('%d,%d,%d,%d,%d', f, c, h, row, inv)
end

local function set_counts(t, number, counts)
  written(t.tries)
  redis.call('HSET', t.tries, number, counts)
end

local ALONE_AFTER = 3

-- In `prio`, behind all that joined before `order` was given: at first that is its number.
local function last_in_line(number, order)
  return order == number and '1' .. number or '1' .. order .. ':' .. number
end

-- To the end of the line. The record must be in `jobs`. `order`: a number that is the last given;
-- else one is taken, since numbers run ahead of the clock.
local function join(t, number, priority, row, now, order)
  if row >= ALONE_AFTER then
    written(t.alone)
    redis.call('RPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('RPUSH', t.ready, number)
  else
    written(t.prio)
    order = order or digits(take_numbers('number', 1, now))
    redis.call('ZADD', t.prio, priority, last_in_line(number, order))
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end

-- To the front of the line.
local function join_front(t, number, priority, row)
  if row >= ALONE_AFTER then
    written(t.alone)
    redis.call('LPUSH', t.alone, number)
    redis.call('HINCRBY', META, 'aloneJobs', 1)
  elseif priority == '0' then
    redis.call('LPUSH', t.ready, number)
  else
    written(t.prio)
    redis.call('ZADD', t.prio, priority, '0' .. number)
  end
  redis.call('ZADD', MOMENTS, 0, t.name)
end

-- Jobs that are due at later instants. Wakes a sleeper when the soonest is earlier than the fleet
-- knows.
local function put_all_later(t, numbers, records, dues)
  local fields, index, soonest, before = {}, {}, math.huge, nil
  for k, number in ipairs(numbers) do
    local name, due = packed(number), dues[k]
    fields[2 * k - 1], fields[2 * k] = name, records[k]
    index[2 * k - 1], index[2 * k] = due, name
    if due ~= before then soonest, before = math.min(soonest, tonumber(due)), due end
  end
  written(t.due)
  redis.call('HSET', t.later, unpack(fields))
  redis.call('ZADD', t.due, unpack(index))
  if redis.call('ZADD', MOMENTS, 'LT', 'CH', exact(soonest), t.name) > 0 then wake_one(t) end
end

local function put_later(t, number, record, due_ms)
  put_all_later(t, { number }, { record }, { due_ms })
end

-- What the caller keeps of ended jobs: idMs, idCount, then age and count for completed, dead,
-- cancelled.
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

-- Drops the oldest members of an index and what they name, down to `count`, at most so many.
local function bound(index, hash, count, stats, most)
  local over = redis.call('ZCARD', index) - count
  if over <= 0 then return end
  local oldest = redis.call('ZPOPMIN', index, math.min(over, most))
  local names = {}
  for k = 1, #oldest, 2 do names[#names + 1] = oldest[k] end
  redis.call('HDEL', hash, unpack(names))
  redis.call('HINCRBY', stats, 'dropped', #oldest / 2)
end

-- Indexes that this call has added to: bounded once, at its end, and by a few more than it added;
-- prune takes the rest.
local SURPLUS_PER_CALL = 20
local added_to = {}

local function bound_later(index, hash, count, stats, added)
  local known = added_to[index]
  if known then
    known.added = known.added + added
  else
    added_to[index] = { hash = hash, count = count, stats = stats, added = added }
  end
end

local function save_bounds()
  for index, a in pairs(added_to) do
    bound(index, a.hash, a.count, a.stats, a.added + SURPLUS_PER_CALL)
  end
  added_to = {}
end

-- These jobs have ended: their ids, '' where one has none, are remembered for a while.
local function remember_ends(t, ids, numbers, state, keep, now_ms)
  local named, owners = {}, {}
  for k, id in ipairs(ids) do
    if id ~= '' then named[#named + 1], owners[#named + 1] = id, numbers[k] end
  end
  if #named == 0 then return end
  local entries, ours = redis.call('HMGET', t.ids, unpack(named)), {}
  local letter, kept_ms = ':' .. STATE_LETTER[state], keep[state][2] > 0 and keep[state][1] or 0
  local fields, index, til = {}, {}, whole(math.floor(now_ms) + math.max(keep.idMs, kept_ms))
  for k, id in ipairs(named) do
    local number, entry = owners[k], entries[k]
    -- Dropped for its count and pushed again meanwhile: the entry is another job's.
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
  bound_later(t.idends, t.ids, keep.idCount, t.stats, #ours)
end

-- What is kept of an ended job.
local function ended_text(letter, at, counts, detail, record)
  return letter .. '|' .. at .. '|' .. (counts or '') .. '|' .. detail .. '\n' .. record
end

-- Ends a job for ever. `record` is given when it is not in `jobs`; `detail` is JSON text for
-- people.
local function end_job(t, number, state, id, detail, keep, now_ms, record)
  now_ms = math.floor(now_ms)
  local rule = keep[state]
  if rule[2] > 0 then
    record = record or redis.call('HGET', t.jobs, number)
    if record then
      local at, counts = whole(now_ms), exists(t.tries) and redis.call('HGET', t.tries, number)
      local text = ended_text(STATE_LETTER[state], at, counts, detail, record)
      redis.call('HSET', t.ended, number, text)
      redis.call('ZADD', t[state], at, number)
      bound_later(t[state], t.ended, rule[2], t.stats, 1)
    end
  end
  redis.call('HDEL', t.jobs, number)
  redis.call('SREM', t.claimed, number)
  if exists(t.tries) and redis.call('HDEL', t.tries, number) == 1 then
    redis.call('HDEL', t.errors, number)
  end
  if exists(CANCELS) then redis.call('HDEL', CANCELS, number) end
  if exists(PROGRESS) then redis.call('HDEL', PROGRESS, number) end
  redis.call('HINCRBY', t.stats, state, 1)
  if id ~= '' then remember_ends(t, { id }, { number }, state, keep, now_ms) end
end
