-- lease: reading a lease's record, `lengthMs|owner|numbers|task`. The numbers have a fixed width
-- and a space between them.
-- @include lib/rare.lua
-- @include lib/handed.lua
local function parse_lease(fence, text)
  local a = text and string.find(text, '|', 1, true)
  local b = a and string.find(text, '|', a + 1, true)
  local c = b and string.find(text, '|', b + 1, true)
  if not c then return nil end
  return {
    fence = fence, length = tonumber(string.sub(text, 1, a - 1)) or 0, handed = is_handed(text),
    owner = string.sub(text, a + 1, b - 1), numbers = string.sub(text, b + 1, c - 1),
    task = string.sub(text, c + 1), head = string.sub(text, 1, b),
  }
end

local function read_lease(fence)
  return parse_lease(fence, redis.call('HGET', LEASE, fence))
end

-- By their places: a search costs twice as much.
local NUMBER_SIZE = 16

local function numbers_in(text)
  local sub, numbers, n = string.sub, {}, 0
  for at = 1, #text, NUMBER_SIZE + 1 do
    n = n + 1
    numbers[n] = sub(text, at, at + NUMBER_SIZE - 1)
  end
  return numbers
end

local function members_of(lease)
  return numbers_in(lease.numbers)
end

local function find_whole(numbers, number, from)
  local at = string.find(numbers, number, from, true)
  while at do
    local before, after = string.byte(numbers, at - 1), string.byte(numbers, at + #number)
    if (at == 1 or before == 32) and (not after or after == 32) then return at end
    at = string.find(numbers, number, at + 1, true)
  end
end

-- Where a member stands in `numbers`; nil: it is none, or has been dropped. Asked for one after the
-- other in the lease's order, all of them cost one walk: taking the record apart costs far more.
local function place_of_member(lease, number)
  local at = find_whole(lease.numbers, number, lease.last or 1)
  if not at and lease.last then at = find_whole(lease.numbers, number, 1) end
  if not at or (lease.cuts and lease.cuts[at]) then return nil end
  lease.last = at
  return at
end

local function drop_member(lease, at, number)
  lease.cuts = lease.cuts or {}
  lease.cuts[at] = #number
end

-- These numbers, joined as in the lease, are its first ones: they leave it. Saves taking the record
-- apart where jobs end as they were claimed.
local function drop_first(lease, joined)
  if lease.cuts then return false end
  local size = #joined
  if string.sub(lease.numbers, 1, size) ~= joined then return false end
  if #lease.numbers > size and string.byte(lease.numbers, size + 1) ~= 32 then return false end
  lease.numbers, lease.shrunk = string.sub(lease.numbers, size + 2), true
  return true
end

-- A text without the entries that were cut out of it: their sizes by their places; `between` is
-- the byte that stands between two.
local function without_cuts(text, cuts, between)
  local places = {}
  for at in pairs(cuts) do places[#places + 1] = at end
  table.sort(places)
  local pieces, from = {}, 1
  for k, at in ipairs(places) do
    pieces[k] = string.sub(text, from, at - 1)
    from = at + cuts[at] + 1
  end
  pieces[#pieces + 1] = string.sub(text, from)
  local left = table.concat(pieces)
  return string.byte(left, -1) == between and string.sub(left, 1, -2) or left
end

-- Writes what is left of a lease; the last job takes it along.
local function shrink_lease(lease)
  if lease.cuts then
    lease.numbers = without_cuts(lease.numbers, lease.cuts, 32)
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

-- Texts are joined in buffers of 8 KiB: whatever is longer is copied and hashed once more for each.
local PIECE_BYTES = 8000

-- Appends the records to `batch`, some joined by NUL, which JSON has none of.
local function add_joined(batch, records)
  local from, bytes = 1, 0
  for k = 1, #records do
    local size = #records[k] + 1
    if bytes + size > PIECE_BYTES and k > from then
      batch[#batch + 1] = table.concat(records, '\0', from, k - 1)
      from, bytes = k, 0
    end
    bytes = bytes + size
  end
  batch[#batch + 1] = table.concat(records, '\0', from)
end

-- What a claimer is given of a lease: its numbers, their counts, and the records, in pieces of
-- several or `one_by_one`.
local function describe_batch(t, numbers, records, one_by_one)
  local counts, any = {}, false
  if exists(t.tries) then
    local found = redis.call('HMGET', t.tries, unpack(numbers))
    for k = 1, #numbers do
      counts[k] = found[k] or ''
      any = any or counts[k] ~= ''
    end
  end
  local joined, counted = table.concat(numbers, ' '), any and table.concat(counts, ';') or ''
  if one_by_one then return { joined, counted, unpack(records) } end
  local batch = { joined, counted }
  add_joined(batch, records)
  return batch
end

-- The lease that a running job is claimed under, for people and for promptness: looked for among
-- the leases in so many bytes, so that this has an end. Nil: it is not among them.
local MOST_BYTES_SEEN, LEASES_PER_PAGE = 256 * 1024, 50
local function lease_of(number)
  local cursor, bytes = '0', 0
  repeat
    local page = redis.call('HSCAN', LEASE, cursor, 'COUNT', LEASES_PER_PAGE)
    local found = page[2]
    for k = 1, #found, 2 do
      bytes = bytes + #found[k + 1]
      if string.find(found[k + 1], number, 1, true) then
        local lease = read_lease(found[k])
        if lease and place_of_member(lease, number) then return lease end
      end
    end
    cursor = page[1]
  until cursor == '0' or bytes >= MOST_BYTES_SEEN
  return nil
end

-- A part of the walk through all leases, of at most so many bytes: for each that holds a wanted
-- number `each` is called with both. Gives where to go on; '0': all have been seen.
local function walk_leases(wanted, cursor, most_bytes, each)
  local bytes = 0
  repeat
    local page = redis.call('HSCAN', LEASE, cursor, 'COUNT', LEASES_PER_PAGE)
    for k = 1, #page[2], 2 do
      local lease = parse_lease(page[2][k], page[2][k + 1])
      bytes = bytes + #page[2][k + 1]
      local text = lease and lease.numbers or ''
      for at = 1, #text, NUMBER_SIZE + 1 do
        local number = string.sub(text, at, at + NUMBER_SIZE - 1)
        if wanted[number] then each(number, lease) end
      end
    end
    cursor = page[1]
  until cursor == '0' or next(wanted) == nil or bytes >= most_bytes
  return cursor
end

-- The same of many jobs, by number, in one walk: a walk for each would hold up the server.
local function leases_of(numbers, most_bytes)
  local wanted, leases = {}, {}
  for _, number in ipairs(numbers) do wanted[number] = true end
  walk_leases(wanted, '0', most_bytes, function(number, lease)
    leases[number], wanted[number] = lease, nil
  end)
  return leases
end
