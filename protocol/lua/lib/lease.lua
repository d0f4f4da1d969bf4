-- lease: reading a lease's record, `lengthMs|owner|numbers|task`. The numbers have a fixed width
-- and a space between them.
-- @include lib/rare.lua
local function read_lease(fence)
  local text = redis.call('HGET', LEASE, fence)
  local a = text and string.find(text, '|', 1, true)
  local b = a and string.find(text, '|', a + 1, true)
  local c = b and string.find(text, '|', b + 1, true)
  if not c then return nil end
  return {
    fence = fence, length = tonumber(string.sub(text, 1, a - 1)) or 0,
    owner = string.sub(text, a + 1, b - 1), numbers = string.sub(text, b + 1, c - 1),
    task = string.sub(text, c + 1), head = string.sub(text, 1, b),
  }
end

local function numbers_in(text)
  local numbers = {}
  for number in string.gmatch(text, '%d+') do numbers[#numbers + 1] = number end
  return numbers
end

local function members_of(lease)
  return numbers_in(lease.numbers)
end

-- The members as a set, from which `drop_member` takes.
local function has_member(lease, number)
  if not lease.has then
    lease.has = {}
    for _, each in ipairs(members_of(lease)) do lease.has[each] = true end
  end
  return lease.has[number]
end

local function drop_member(lease, number)
  lease.has[number], lease.dropped = nil, true
end

-- These numbers, joined as in the lease, are its first ones: they leave it. Saves taking the record
-- apart where jobs end as they were claimed.
local function drop_first(lease, joined)
  if lease.has then return false end
  local size = #joined
  if string.sub(lease.numbers, 1, size) ~= joined then return false end
  if #lease.numbers > size and string.byte(lease.numbers, size + 1) ~= 32 then return false end
  lease.numbers, lease.shrunk = string.sub(lease.numbers, size + 2), true
  return true
end

-- Writes what is left of a lease; the last job takes it along.
local function shrink_lease(lease)
  if lease.dropped then
    local left = {}
    for _, number in ipairs(members_of(lease)) do
      if lease.has[number] then left[#left + 1] = number end
    end
    lease.numbers = table.concat(left, ' ')
  elseif not lease.shrunk then
    return
  end
  if lease.numbers == '' then
    redis.call('HDEL', LEASE, lease.fence)
    redis.call('ZREM', LEASES, lease.fence)
    forget_lease(lease.length)
  else
    redis.call('HSET', LEASE, lease.fence, lease.head .. lease.numbers .. '|' .. lease.task)
  end
end

-- What a claimer is given of a lease: its numbers, their counts, and the records joined by NUL,
-- which JSON has none of. In pieces: each record for itself.
local function describe_batch(t, numbers, records, in_pieces)
  local counts, any = {}, false
  if exists(t.tries) then
    local found = redis.call('HMGET', t.tries, unpack(numbers))
    for k = 1, #numbers do
      counts[k] = found[k] or ''
      any = any or counts[k] ~= ''
    end
  end
  local joined, counted = table.concat(numbers, ' '), any and table.concat(counts, ';') or ''
  if in_pieces then return { joined, counted, unpack(records) } end
  return { joined, counted, table.concat(records, '\0') }
end

-- The lease that a running job is claimed under, for people and for promptness: looked for among so
-- many, so that this has an end. Nil: it is not among them.
local MOST_LEASES_SEEN, LEASES_PER_PAGE = 2000, 200
local function lease_of(number)
  local cursor, seen = '0', 0
  repeat
    local page = redis.call('HSCAN', LEASE, cursor, 'COUNT', LEASES_PER_PAGE)
    local found = page[2]
    for k = 1, #found, 2 do
      if string.find(found[k + 1], number, 1, true) then
        local lease = read_lease(found[k])
        if lease and has_member(lease, number) then return lease end
      end
    end
    cursor, seen = page[1], seen + #found / 2
  until cursor == '0' or seen >= MOST_LEASES_SEEN
  return nil
end
