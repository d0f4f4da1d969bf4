-- claim: takes ready jobs of a task under new leases.
local MOST_JOBS = 1000
local FIRST_CHUNK = 16

-- Takes up to n hints from the front of the line: negative priorities, then 0, then positive ones.
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

-- A hint without a record (cancelled) or of a running job (doubled) is dropped.
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

-- How many records to read at first: as many as fit if all are like the first one.
local function first_chunk(t, budget)
  local first = redis.call('LINDEX', t.ready, 0)
  local size = first and redis.call('HSTRLEN', t.jobs, first) or 0
  if size == 0 then return FIRST_CHUNK end
  return math.max(1, math.min(FIRST_CHUNK * 4, math.floor(budget.bytes / size)))
end

-- Up to `limit` jobs as { number, record } within the budget of the call: jobs, bytes, and hints,
-- since a line may begin with many that lead nowhere. What was read too much goes back to the
-- front.
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

-- Is there a job that must run alone? Those that were cancelled meanwhile are dropped.
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

-- Writes a lease over jobs of one task and returns its fence.
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

-- The task's next moment: 0 = something is ready, else when something becomes claimable, else none.
-- Says whether something is ready. A job that must run alone counts from the end of its
-- reservation.
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
