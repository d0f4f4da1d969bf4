-- note: notices that the fleet was away (outage, failover, suspended machine) or that the clock
-- jumped.
-- Without it the first client back would take everybody's jobs. Nothing is written where no lease
-- stands.

-- A clock that went back leaves lease ends too far away: nobody would reap them in time.
local function clamp_leases(latest_ms)
  local after = '(' .. whole(latest_ms)
  local far = redis.call('ZRANGEBYSCORE', LEASES, after, '+inf', 'LIMIT', 0, 1000)
  for _, fence in ipairs(far) do
    redis.call('ZADD', LEASES, whole(latest_ms), fence)
  end
end

-- True while nothing may be reaped.
local function note_time(now_ms)
  if redis.call('ZCARD', LEASES) == 0 then return false end
  local m = redis.call('HMGET', META, 'noted', 'leaseMin', 'leaseMax', 'grace')
  local noted, shortest, longest = tonumber(m[1]), tonumber(m[2]), tonumber(m[3])
  local grace = tonumber(m[4] or '0')
  if not noted or not shortest or not longest then
    -- The note is gone: as after an outage, with the longest lease read off the leases themselves.
    local last = redis.call('ZREVRANGE', LEASES, 0, 0, 'WITHSCORES')
    longest = math.max(1000, tonumber(last[2]) - now_ms)
    shortest, noted = longest, -math.huge
    redis.call('HSET', META, 'leaseMin', whole(shortest), 'leaseMax', whole(longest))
  end
  local gap = now_ms - noted
  if gap > longest or gap < 0 then
    grace = math.floor(now_ms + longest)
    redis.call('HSET', META, 'noted', whole(math.floor(now_ms)), 'grace', whole(grace))
    clamp_leases(grace)
  elseif gap >= shortest / 3 then
    redis.call('HSET', META, 'noted', whole(math.floor(now_ms)))
  end
  return now_ms < grace
end

-- Called before a lease is written. The first lease of all sets the note.
local function note_lease(now_ms, lease_ms)
  if redis.call('ZCARD', LEASES) == 0 then
    redis.call('HSET', META, 'noted', whole(math.floor(now_ms)), 'grace', '0')
    redis.call('HSET', META, 'leaseMin', lease_ms, 'leaseMax', lease_ms)
    return
  end
  note_time(now_ms)
  local m = redis.call('HMGET', META, 'leaseMin', 'leaseMax')
  if lease_ms < tonumber(m[1]) then redis.call('HSET', META, 'leaseMin', lease_ms) end
  if lease_ms > tonumber(m[2]) then redis.call('HSET', META, 'leaseMax', lease_ms) end
end
