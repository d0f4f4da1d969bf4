-- lease: reading a lease's record, `lengthMs|owner|numbers|task`.
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

-- Writes what is left of a lease; the last job takes it along.
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

-- What a claimer is given of a lease: numbers and counts joined, then the records.
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
