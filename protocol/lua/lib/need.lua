-- need: a task that has lost its line or its due times stands still until that is mended.
local function count_hints(t)
  return redis.call('LLEN', t.ready) + redis.call('LLEN', t.alone) + redis.call('ZCARD', t.prio)
end

-- The step of mend for records that stand in no line, or have no due time, if there must be some.
local function step_in_need(t)
  local ready = redis.call('HLEN', t.jobs) - redis.call('SCARD', t.claimed)
  if ready > count_hints(t) then return '3' end
  if redis.call('HLEN', t.later) > redis.call('ZCARD', t.due) then return '4' end
  return nil
end
