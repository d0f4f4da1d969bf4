-- promote: jobs that have become due join the line.
-- All that one call moves, of all its tasks together.
local MOST_BYTES = 4 * 1024 * 1024
local MOST_PROMOTED = 1000
local promote_budget = { jobs = MOST_PROMOTED, bytes = MOST_BYTES }

-- These jobs, whose records are in `later`, join at the end of the line. `due`: their names there.
local function promote_some(t, due, now_ms)
  local budget, fields, plain = promote_budget, {}, {}
  local records = redis.call('HMGET', t.later, unpack(due))
  redis.call('ZREM', t.due, unpack(due))
  redis.call('HDEL', t.later, unpack(due))
  for k, name in ipairs(due) do
    local record = records[k]
    if record then
      local number = unpacked(name)
      budget.bytes = budget.bytes - #record
      fields[#fields + 1], fields[#fields + 2] = number, record
      local _, _, _, row = counts_of(t, number)
      local priority = priority_of(record)
      if priority == '0' and row < ALONE_AFTER then
        plain[#plain + 1] = number
      else
        join(t, number, priority, row, now_ms * 1000)
      end
    end
  end
  if #fields > 0 then redis.call('HSET', t.jobs, unpack(fields)) end
  if #plain > 0 then
    redis.call('RPUSH', t.ready, unpack(plain))
    redis.call('ZADD', MOMENTS, 0, t.name)
  end
end

-- Due jobs join at the end of the line, a bounded piece at a time.
local function promote(t, now_ms, most)
  local budget, now = promote_budget, string.format('%.3f', now_ms)
  while most > 0 and budget.jobs > 0 and budget.bytes > 0 and exists(t.due) do
    local n = math.min(most, budget.jobs, 50)
    local due = redis.call('ZRANGEBYSCORE', t.due, '-inf', now, 'LIMIT', 0, n)
    if #due == 0 then return end
    promote_some(t, due, now_ms)
    most, budget.jobs = most - #due, budget.jobs - #due
  end
end
