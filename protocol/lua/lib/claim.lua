-- claim: takes ready jobs of a task under new leases.
-- @include lib/moment.lua
-- @include lib/slices.lua
local MOST_JOBS = 1000
local FIRST_CHUNK = 16

-- Takes up to n numbers from the front of the line: negative priorities, then 0, then positive
-- ones. Where there are priorities, also what each entry of them was. Bundles of which nothing is
-- left are taken, too.
local function pop_hints(t, n, budget)
  if not exists(t.prio) then return pop_ready(t, n), nil end
  local numbers, entries = {}, { members = {}, scores = {} }
  local function pop_prio(want)
    if want <= 0 then return end
    local popped = redis.call('ZPOPMIN', t.prio, want)
    for k = 1, #popped, 2 do
      local member, at = popped[k], #numbers + 1
      numbers[at] = string.sub(member, -NUMBER_SIZE)
      entries.members[at], entries.scores[at] = member, popped[k + 1]
    end
  end
  pop_prio(math.min(n, redis.call('ZCOUNT', t.prio, '-inf', '(0')))
  local at = #numbers
  while at < n and budget.hints > 0 do
    for _, number in ipairs(pop_ready(t, n - at)) do numbers[#numbers + 1] = number end
    local bundled = #numbers == at and entry_in_front(t)
    if not bundled and #numbers == at then break end
    if bundled and not part_front(t, bundled) then budget.hints = budget.hints - 10 end
    at = #numbers
  end
  -- What is behind empty bundles comes before any positive one.
  if budget.hints > 0 then pop_prio(n - #numbers) end
  return numbers, entries
end

local function put_back(t, number, entries, k)
  local member = entries and entries.members[k]
  if member then
    redis.call('ZADD', t.prio, entries.scores[k], member)
  else
    redis.call('LPUSH', t.ready, number)
  end
end

-- How many records to read at first: as many as fit if all are like the first one.
local function first_chunk(t, limit, budget)
  if limit <= 4 then return limit end
  local first = redis.call('LINDEX', t.ready, 0)
  local size = first and redis.call('HSTRLEN', t.jobs, first) or 0
  if size == 0 then return FIRST_CHUNK end
  return math.max(1, math.min(FIRST_CHUNK * 4, math.floor(budget.bytes / size)))
end

-- Some of these numbers are in `claimed` already, and which is not known any more: those that stand
-- in a lease, of all leases. Only what a script that broke off left behind brings one here, so that
-- asking before each claim would be dearer than this walk. Gives how many are left.
local function drop_doubled(t, numbers, records, from, n)
  local running, left = leases_of(t, { unpack(numbers, from, n) }, math.huge), from - 1
  for k = 1, left do running[numbers[k]] = true end
  for k = from, n do
    local number = numbers[k]
    if not running[number] then
      running[number], left = true, left + 1
      numbers[left], records[left] = number, records[k]
    end
  end
  for k = left + 1, n do numbers[k], records[k] = nil, nil end
  return left
end

-- The next jobs that are in no bundle, up to `limit`, behind those in `numbers` and `records`.
-- Gives how many there are now, and whether there was anything in line.
local function take_some(t, limit, budget, taken)
  local numbers, records, n = taken.numbers, taken.records, taken.n
  taken.chunk = taken.chunk or first_chunk(t, limit, budget)
  local hints, entries = pop_hints(t, math.min(taken.chunk, limit - n, budget.hints), budget)
  if #hints == 0 then return false end
  budget.hints = budget.hints - #hints
  local found = redis.call('HMGET', t.jobs, unpack(hints))
  local bytes, largest, before = budget.bytes, 1, n
  for k = 1, #hints do
    local record = found[k]
    if record then
      if bytes <= 0 then
        for b = #hints, k, -1 do put_back(t, hints[b], entries, b) end
        break
      end
      n = n + 1
      numbers[n], records[n] = hints[k], record
      local size = #record
      bytes = bytes - size
      if size > largest then largest = size end
    end
  end
  if n > before then
    local added = redis.call('SADD', t.claimed, unpack(numbers, before + 1, n))
    if added < n - before then n = drop_doubled(t, numbers, records, before + 1, n) end
  end
  budget.bytes = bytes
  taken.n, taken.chunk = n, math.max(1, math.min(limit, math.floor(bytes / largest), 500))
  return true
end

-- Up to `limit` jobs within the budget of the call: jobs, bytes, and hints, since a line may begin
-- with many that lead nowhere: a hint without a record (cancelled) or of a running job (doubled) is
-- dropped. What was read too much goes back to the front. Given to `out_singles` as numbers and
-- records, and to `out_slice` as the parts of bundles that they are in, in their order. Those taken
-- are in `claimed`, or noted as running in their bundles. Gives how many.
local function take(t, limit, budget, out_singles, out_slice)
  local taken, total = { numbers = {}, records = {}, n = 0 }, 0
  while total + taken.n < limit and budget.bytes > 0 and budget.hints > 0 do
    local slice = next_slice(t, limit, limit - total - taken.n, budget)
    if slice then
      if taken.n > 0 then out_singles(taken.numbers, taken.records) end
      total = total + taken.n + slice.count
      taken = { numbers = {}, records = {}, n = 0 }
      if slice.count > 0 then out_slice(slice) end
    elseif not take_some(t, limit - total, budget, taken) then
      break
    end
  end
  if taken.n > 0 then out_singles(taken.numbers, taken.records) end
  return total + taken.n
end

-- A short line is shared: one scheduler does not take what others that sleep could run as well. So
-- many of them count at most, since each is woken by the one before.
local MOST_SHARERS = 7

local function part_of(t, limit, identity)
  local others = redis.call('SCARD', t.sleepers)
  if others > 0 then others = others - redis.call('SISMEMBER', t.sleepers, identity) end
  if others == 0 or limit == 1 then return limit end
  local ready = redis.call('LLEN', t.ready) + surplus_in_line(t)
  if exists(t.prio) then ready = ready + redis.call('ZCARD', t.prio) end
  local part = math.ceil(ready / (1 + math.min(others, MOST_SHARERS)))
  return math.min(limit, math.max(1, part))
end

local function take_alone(t)
  if not has_alone(t) then return nil end
  local number = redis.call('LPOP', t.alone)
  redis.call('HINCRBY', META, 'aloneJobs', -1)
  redis.call('SADD', t.claimed, number)
  return number, redis.call('HGET', t.jobs, number)
end

-- Leases are short, so that a slow job holds back only a few others, and little is written again
-- when one of them ends.
local MOST_PER_LEASE = 100

-- The fences of so many new leases.
local function take_fences(count, now)
  local last = tonumber(known_fence or redis.call('HGET', META, 'fence') or '0')
  return raised('fence', last, count, now)
end

-- Writes all leases of a call, each { task keys, numbers in `claimed` }; gives their fences, and
-- each its numbers as they are joined.
local function write_leases(leases, lease_ms, owner, now)
  if #leases == 0 then return {} end
  local now_ms = now / 1000
  note_leases(now_ms, lease_ms, #leases)
  local fences = digits_from(take_fences(#leases, now), #leases)
  local texts, ends, ends_at = {}, {}, whole(math.floor(now_ms + lease_ms))
  local head = whole(lease_ms) .. '|' .. owner .. '|'
  for k, lease in ipairs(leases) do
    texts[2 * k - 1] = fences[k]
    lease.joined = lease.joined or table.concat(lease.numbers, ' ')
    texts[2 * k] = head .. lease.joined .. '|' .. lease.t.name
    ends[2 * k - 1], ends[2 * k] = ends_at, fences[k]
  end
  redis.call('HSET', LEASE, unpack(texts))
  redis.call('ZADD', LEASES, unpack(ends))
  return fences
end
