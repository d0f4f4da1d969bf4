-- moment: when a task has to be looked at next, as the index of all tasks says it.
-- @include lib/rare.lua
-- @include lib/wake.lua
-- How many that were cancelled a call drops, in all lines together.
local cancelled_left = 1000

-- Is there a job that must run alone? Those that were cancelled meanwhile are dropped. Nil: there
-- are too many of them to know.
local function has_alone(t)
  if not exists(t.alone) then return false end
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

-- The task's next moment: 0 = something is ready, else when something becomes claimable, else none.
-- Says whether something is ready. A job that must run alone counts from the end of its
-- reservation.
local function update_moment(t, now_ms, alone_from)
  if redis.call('LLEN', t.ready) > 0 or (exists(t.prio) and redis.call('ZCARD', t.prio) > 0) then
    redis.call('ZADD', MOMENTS, 0, t.name)
    return true
  end
  local next_due = exists(t.due) and redis.call('ZRANGE', t.due, 0, 0, 'WITHSCORES')[2]
  local moment = next_due and tonumber(next_due) or nil
  if moment and moment <= now_ms then
    redis.call('ZADD', MOMENTS, 0, t.name)
    return true
  end
  local alone = has_alone(t)
  if alone then
    moment = math.min(moment or math.huge, alone_from or 0)
  elseif alone == nil then
    moment = 0
  end
  if moment then
    redis.call('ZADD', MOMENTS, exact(moment), t.name)
  else
    redis.call('ZREM', MOMENTS, t.name)
  end
  return false
end

-- True: it was not there, and should have been. Whoever sleeps had no other way to learn of it.
local function heal_moment(t, now_ms)
  local before = redis.call('ZSCORE', MOMENTS, t.name)
  local alone_til = exists(t.alone) and tonumber(redis.call('HGET', META, 'aloneTil') or nil)
  local is_ready = update_moment(t, now_ms, alone_til and alone_til > now_ms and alone_til)
  if before or not redis.call('ZSCORE', MOMENTS, t.name) then return false end
  if is_ready then wake_one(t) end
  return true
end
