-- need: a task that has lost its line or its due times stands still until that is mended.
local function count_entries(t)
  return redis.call('LLEN', t.ready) + redis.call('LLEN', t.alone) + redis.call('ZCARD', t.prio)
end

-- How many jobs they name.
local function count_hints(t)
  return count_entries(t) + surplus_in_line(t)
end

local function count_ready(t)
  local b = bundles_of(t)
  return redis.call('HLEN', t.jobs) - redis.call('SCARD', t.claimed)
    + (b and b.jobs - b.running or 0)
end

-- Some of what is ready stands in no line.
local function is_short(t)
  return count_ready(t) > count_hints(t)
end

-- The step of mend for records that stand in no line, or have no due time, if there must be some.
local function step_in_need(t)
  if is_short(t) then return '4' end
  if redis.call('HLEN', t.later) > redis.call('ZCARD', t.due) then return '6' end
  return nil
end

-- What stands in no line may be of two steps.
local function is_at_need(place, need)
  local step = string.sub(place, 1, 2)
  return step == need .. ':' or (need == '4' and step == '5:')
end
