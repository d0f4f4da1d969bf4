-- promote: jobs that have become due join the line.
-- All that one call moves, of all its tasks together.
local MOST_BYTES = 4 * 1024 * 1024
local MOST_PROMOTED = 150
local promote_budget = { jobs = MOST_PROMOTED, bytes = MOST_BYTES }

-- Each { number, priority }, to the end of the line, as `join` does it one by one.
local function join_by_priority(t, jobs, now)
  local orders, members = digits_from(take_numbers('number', #jobs, now), #jobs), {}
  for k, job in ipairs(jobs) do
    members[2 * k - 1], members[2 * k] = job[2], '1' .. orders[k] .. ':' .. job[1]
  end
  written(t.prio)
  redis.call('ZADD', t.prio, unpack(members))
end

-- These jobs, whose records are in `later`, join at the end of the line. `due`: their names there.
local function promote_some(t, due, now_ms)
  local budget, fields, plain, others = promote_budget, {}, {}, {}
  local numbers = {}
  for k, name in ipairs(due) do numbers[k] = unpacked(name) end
  local tries = exists(t.tries) and redis.call('HMGET', t.tries, unpack(numbers)) or {}
  local records = redis.call('HMGET', t.later, unpack(due))
  redis.call('ZREM', t.due, unpack(due))
  redis.call('HDEL', t.later, unpack(due))
  for k, number in ipairs(numbers) do
    local record = records[k]
    if record then
      budget.bytes = budget.bytes - #record
      fields[#fields + 1], fields[#fields + 2] = number, record
      local row = tonumber(tries[k] and string.match(tries[k], '^%d+,%d+,%d+,(%d+)') or '0')
      local priority = priority_of(record)
      if row >= ALONE_AFTER then
        join(t, number, priority, row, now_ms * 1000)
      elseif priority == '0' then
        plain[#plain + 1] = number
      else
        others[#others + 1] = { number, priority }
      end
    end
  end
  if #fields > 0 then redis.call('HSET', t.jobs, unpack(fields)) end
  if #plain > 0 then redis.call('RPUSH', t.ready, unpack(plain)) end
  if #others > 0 then join_by_priority(t, others, now_ms * 1000) end
  if #plain + #others > 0 then redis.call('ZADD', MOMENTS, 0, t.name) end
end

-- What each of so many tasks has of it at least.
local function promote_share(tasks)
  return math.max(1, math.min(100, math.floor(MOST_PROMOTED / tasks)))
end

-- Due jobs join at the end of the line, a bounded piece at a time.
local function promote(t, now_ms, most)
  local budget, now = promote_budget, exact(now_ms)
  while most > 0 and budget.jobs > 0 and budget.bytes > 0 and exists(t.due) do
    local n = math.min(most, budget.jobs, 50)
    local due = redis.call('ZRANGEBYSCORE', t.due, '-inf', now, 'LIMIT', 0, n)
    if #due == 0 then return end
    promote_some(t, due, now_ms)
    most, budget.jobs = most - #due, budget.jobs - #due
  end
end
