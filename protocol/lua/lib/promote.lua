-- promote: jobs that have become due join the line.
-- All that one call moves, of all its tasks together.
local MOST_BYTES = 4 * 1024 * 1024
local MOST_PROMOTED = 1000
local promote_budget = { jobs = MOST_PROMOTED, bytes = MOST_BYTES }

-- Due jobs join at the end of the line, a bounded piece at a time.
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
