-- lease: reading a lease's record, `lengthMs|owner|numbers|task`. The numbers have a fixed width
-- and a space between them; or they are a part of a bundle, see lease-slice.lua.
-- @include lib/bundle.lua
-- @include lib/rare.lua
-- @include lib/handed.lua
local function parse_lease(fence, text)
  local a = text and string.find(text, '|', 1, true)
  local b = a and string.find(text, '|', a + 1, true)
  local c = b and string.find(text, '|', b + 1, true)
  if not c then return nil end
  local slice = c - b - 1 == SLICE_SIZE and { slice_in(string.sub(text, b + 1, c - 1)) } or nil
  if slice and not slice[1] then return nil end
  return {
    slice = slice, fence = fence, text = text, from = b + 1, to = c - 1, head = b, owner = a + 1,
    length = tonumber(string.sub(text, 1, a - 1)) or 0, handed = is_handed(text),
    task = string.sub(text, c + 1),
  }
end

-- `t`: the task that it should be of.
local function read_lease(fence, t)
  local lease = parse_lease(fence, redis.call('HGET', LEASE, fence))
  if lease and t and lease.task == t.name then lease.t = t end
  return lease
end

-- By their places: a search costs twice as much.
local function numbers_in(text)
  local sub, numbers, n = string.sub, {}, 0
  for at = 1, #text, NUMBER_SIZE + 1 do
    n = n + 1
    numbers[n] = sub(text, at, at + NUMBER_SIZE - 1)
  end
  return numbers
end

-- @include lib/lease-slice.lua

local function members_of(lease)
  if lease.slice then return members_of_slice(lease) end
  return numbers_in(string.sub(lease.text, lease.from, lease.to))
end

local function owner_of(lease)
  return string.sub(lease.text, lease.owner, lease.head - 1)
end

local function find_member(lease, number, from)
  local at = string.find(lease.text, number, from, true)
  local is_one = at and at < lease.to and (at - lease.from) % (NUMBER_SIZE + 1) == 0
  return is_one and #number == NUMBER_SIZE and at or nil
end

-- Where a member stands in the lease's text; nil: it is none, or has been dropped. Asked for one
-- after the other in the lease's order, all of them cost one walk: taking the text apart costs far
-- more.
local function place_of_member(lease, number)
  if lease.slice then return place_in_slice(lease, number) end
  local at = find_member(lease, number, lease.last or lease.from)
  if not at and lease.last then at = find_member(lease, number, lease.from) end
  if not at or (lease.cuts and lease.cuts[at]) then return nil end
  lease.last = at
  return at
end

local function drop_member(lease, at)
  if lease.slice then return drop_of_slice(lease, at) end
  local places = lease.places
  if not places then
    lease.cuts, lease.places = { [at] = true }, { at }
    return
  end
  lease.mixed = lease.mixed or at < places[#places]
  lease.cuts[at], places[#places + 1] = true, at
end

-- These numbers, joined as in the lease, are its first ones: they leave it. Saves looking for each
-- of them where jobs end as they were claimed.
local function drop_first(lease, joined)
  if lease.slice then return false end
  local after = lease.from + #joined
  if lease.cuts or after > lease.to + 1 then return false end
  if string.find(lease.text, joined, lease.from, true) ~= lease.from then return false end
  if after <= lease.to and string.byte(lease.text, after) ~= 32 then return false end
  lease.from, lease.shrunk = after + 1, true
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

-- What is left of a lease as its text; nil: nothing. Made in one go: each string that is made on
-- the way is hashed over all its bytes.
local function text_left(lease)
  local sub, text, from = string.sub, lease.text, lease.from
  local pieces = { sub(text, 1, lease.head) }
  if lease.mixed then table.sort(lease.places) end
  for _, at in ipairs(lease.places or {}) do
    if at > from then pieces[#pieces + 1] = sub(text, from, at - 1) end
    from = at + NUMBER_SIZE + 1
  end
  if from <= lease.to then
    pieces[#pieces + 1] = sub(text, from)
  elseif #pieces == 1 then
    return nil
  else
    pieces[#pieces] = sub(pieces[#pieces], 1, -2)
    pieces[#pieces + 1] = sub(text, lease.to + 1)
  end
  return table.concat(pieces)
end

local function end_lease(lease)
  lease.is_over = true
  redis.call('HDEL', LEASE, lease.fence)
  redis.call('ZREM', LEASES, lease.fence)
  forget_lease(lease.length)
end

-- Writes what is left of a lease; the last job takes it along.
local function shrink_lease(lease)
  if not lease.cuts and not lease.shrunk then return end
  local left = text_left(lease)
  if left then redis.call('HSET', LEASE, lease.fence, left) else end_lease(lease) end
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
-- several or `one_by_one`. `joined`: the numbers, where they are joined already.
local function describe_batch(t, numbers, records, joined, one_by_one)
  local counts, any = {}, false
  if exists(t.tries) then
    local found = redis.call('HMGET', t.tries, unpack(numbers))
    for k = 1, #numbers do
      counts[k] = found[k] or ''
      any = any or counts[k] ~= ''
    end
  end
  joined = joined or table.concat(numbers, ' ')
  local counted = any and table.concat(counts, ';') or ''
  if one_by_one then return { joined, counted, unpack(records) } end
  local batch = { joined, counted }
  add_joined(batch, records)
  return batch
end

-- The lease that a running job is claimed under, for people and for promptness: looked for among
-- the leases in so many bytes, so that this has an end. Nil: it is not among them.
local MOST_BYTES_SEEN, LEASES_PER_PAGE, BYTES_PER_PAIR = 256 * 1024, 50, 50
local function lease_of(t, number)
  local cursor, bytes = '0', 0
  repeat
    local page = redis.call('HSCAN', LEASE, cursor, 'COUNT', LEASES_PER_PAGE)
    local found = page[2]
    for k = 1, #found, 2 do
      bytes = bytes + #found[k + 1] + BYTES_PER_PAIR
      if string.find(found[k + 1], string.sub(number, 1, BUNDLE_SIZE), 1, true) then
        local lease = read_lease(found[k], t)
        if lease and place_of_member(lease, number) then return lease end
      end
    end
    cursor = page[1]
  until cursor == '0' or bytes >= MOST_BYTES_SEEN
  return nil
end

-- Those of these numbers that a lease names.
local function named_in(lease, wanted, by_bundles)
  if lease.slice then return may_be_in_slice(lease, by_bundles[lease.slice[1]] or {}) end
  local named = {}
  for _, number in ipairs(members_of(lease)) do
    if wanted[number] then named[#named + 1] = number end
  end
  return named
end

-- Reading a lease costs as much as so many bytes of numbers, however short it is.
local BYTES_PER_LEASE = 200
local OF_A_BUNDLE = '^%d+|[^|]*|(%d+):%d%d%-%d%d|'

-- A part of the walk through all leases, of at most so many bytes: for each that holds a wanted
-- number `each` is called with both. Gives where to go on; '0': all have been seen.
local function walk_leases(t, wanted, cursor, most_bytes, each)
  local bytes, by_bundles = 0, {}
  for number in pairs(wanted) do
    local bundle = string.sub(number, 1, BUNDLE_SIZE)
    by_bundles[bundle] = by_bundles[bundle] or {}
    table.insert(by_bundles[bundle], number)
  end
  repeat
    local page = redis.call('HSCAN', LEASE, cursor, 'COUNT', LEASES_PER_PAGE)
    for k = 1, #page[2], 2 do
      local text = page[2][k + 1]
      local bundle = string.match(text, OF_A_BUNDLE)
      local lease = (not bundle or by_bundles[bundle]) and parse_lease(page[2][k], text)
      bytes = bytes + #text + BYTES_PER_LEASE
      if lease then
        if lease.task == t.name then lease.t = t end
        for _, number in ipairs(named_in(lease, wanted, by_bundles)) do each(number, lease) end
      end
    end
    cursor = page[1]
  until cursor == '0' or next(wanted) == nil or bytes >= most_bytes
  return cursor
end

-- The same of many jobs, by number, in one walk: a walk for each would hold up the server.
local function leases_of(t, numbers, most_bytes)
  local wanted, leases = {}, {}
  for _, number in ipairs(numbers) do wanted[number] = true end
  walk_leases(t, wanted, '0', most_bytes, function(number, lease)
    leases[number], wanted[number] = lease, nil
  end)
  return leases
end
