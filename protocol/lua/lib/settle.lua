-- settle: ends attempts under one lease.
-- @include lib/bundle.lua

-- Jobs that complete, of all leases of the call. `extras`: ids and details of those that leave
-- something behind, in the order of their numbers; a list that is nil has nothing in it.
local function note_done(t, numbers, extras)
  if not extras then
    if not t.done then
      t.done = numbers
      return
    end
    for _, number in ipairs(numbers) do t.done[#t.done + 1] = number end
    return
  end
  local left = t.left or { numbers = {}, ids = {}, details = {} }
  local ids, details, n = extras.ids, extras.details, #left.numbers
  for k, number in ipairs(numbers) do
    left.numbers[n + k] = number
    left.ids[n + k] = ids and ids[k] or ''
    left.details[n + k] = details and details[k] or ''
  end
  t.left = left
end

-- The records of these jobs, and that they run. What is in a bundle runs under leases of its parts.
local function forget_records(t, numbers)
  local others = t.ends_in_bundles and leave_bundles(t, numbers) or numbers
  if #others == 0 then return end
  redis.call('HDEL', t.jobs, unpack(others))
  redis.call('SREM', t.claimed, unpack(others))
end

-- All else of completed jobs goes.
local function forget_done(t, numbers)
  if exists(PROGRESS) then redis.call('HDEL', PROGRESS, unpack(numbers)) end
  if exists(t.tries) then
    redis.call('HDEL', t.tries, unpack(numbers))
    redis.call('HDEL', t.errors, unpack(numbers))
  end
  redis.call('HINCRBY', t.stats, 'completed', #numbers)
end

-- The common case: few commands for all of them.
local function complete_plain(t)
  if t.ended_here then redis.call('HINCRBY', t.stats, 'completed', t.ended_here) end
  local numbers = t.done or {}
  if #numbers == 0 then return end
  forget_records(t, numbers)
  forget_done(t, numbers)
end

-- Records of completed jobs go to those that ended; gives the size of the largest.
local function keep_some(t, numbers, details, at)
  local records = records_of(t, numbers)
  local counts = exists(t.tries) and redis.call('HMGET', t.tries, unpack(numbers)) or {}
  local texts, index, n, largest = {}, {}, 0, 1
  for k, number in ipairs(numbers) do
    local record = records[k]
    if record then
      local detail = details[k] ~= '' and details[k] or '{}'
      texts[n + 1], texts[n + 2] = number, ended_text('c', at, counts[k], detail, record)
      index[n + 1], index[n + 2] = at, number
      n, largest = n + 2, math.max(largest, #record)
    end
  end
  forget_records(t, numbers)
  if n > 0 then
    redis.call('HSET', t.ended, unpack(texts))
    redis.call('ZADD', t.completed, unpack(index))
  end
  return largest
end

-- The same of jobs that are kept, or whose ids are remembered. Records are moved in pieces of some
-- bytes, after a first one that is small.
local function complete_left(t, keep, now_ms)
  local left = t.left
  if not left or #left.numbers == 0 then return end
  local numbers, rule, at = left.numbers, keep.completed, whole(math.floor(now_ms))
  local from, size = 1, 16
  while rule[2] > 0 and from <= #numbers do
    local to = math.min(from + size - 1, #numbers)
    local some, details = { unpack(numbers, from, to) }, { unpack(left.details, from, to) }
    local largest = keep_some(t, some, details, at)
    from, size = to + 1, math.max(1, math.min(500, math.floor(MOST_BYTES / largest)))
  end
  if rule[2] > 0 then
    bound_later(t.completed, t.ended, rule[2], t.stats, #numbers)
  else
    forget_records(t, numbers)
  end
  forget_done(t, numbers)
  remember_ends(t, left.ids, numbers, 'completed', keep, now_ms)
end

-- A failure ends a row of crashes, and a row of refused data unless it is one of those.
local function count_failure(t, number, invalid)
  local f, c, h, _, inv = counts_of(t, number)
  set_counts(t, number, counts_text(f + 1, c, h, 0, invalid and inv + 1 or 0))
  redis.call('HINCRBY', t.stats, 'failures', 1)
end

-- The attempt failed: due again `wait_ms` from now, as one of the last in line.
local function retry_job(t, job, now)
  local number, wait_ms = job.number, job.wait_ms
  local record = redis.call('HGET', t.jobs, number)
  if not record then return 'l' end
  count_failure(t, number, job.outcome == 'v')
  redis.call('HSET', t.errors, number, job.detail)
  redis.call('SREM', t.claimed, number)
  if exists(PROGRESS) then redis.call('HDEL', PROGRESS, number) end
  if wait_ms <= 0 then
    join(t, number, priority_of(record), 0, now)
    wake_one(t)
    return 'r'
  end
  local due = whole(math.ceil(now / 1000 + wait_ms))
  redis.call('HDEL', t.jobs, number)
  put_later(t, number, record, due)
  return 's' .. due
end

-- Not begun, or given up by a stopping scheduler: no attempt is spent. Each goes to the very front:
-- the last of them is the first in line.
local function hand_back(t, numbers)
  single_out(t, numbers)
  local records = redis.call('HMGET', t.jobs, unpack(numbers))
  local counts = exists(t.tries) and redis.call('HMGET', t.tries, unpack(numbers)) or {}
  local here, tries, plain = {}, {}, {}
  for k, number in ipairs(numbers) do
    if records[k] then
      local f, c, h, row, inv = counts_in(counts[k])
      local n, priority = #here + 1, priority_of(records[k])
      here[n], tries[2 * n - 1], tries[2 * n] = number, number, counts_text(f, c, h + 1, row, inv)
      if priority == '0' and row < ALONE_AFTER then
        plain[#plain + 1] = number
      else
        join_front(t, number, priority, row)
      end
    end
  end
  if #here == 0 then return end
  written(t.tries)
  redis.call('HSET', t.tries, unpack(tries))
  redis.call('SREM', t.claimed, unpack(here))
  if exists(PROGRESS) then redis.call('HDEL', PROGRESS, unpack(here)) end
  if #plain > 0 then redis.call('LPUSH', t.ready, unpack(plain)) end
  redis.call('ZADD', MOMENTS, 0, t.name)
end

-- In pieces, since records may be large.
local BACK_PIECE = 20

local function hand_back_all(t, identity)
  local numbers = t.back
  table.sort(numbers, function(a, b) return a > b end)
  for from = 1, #numbers, BACK_PIECE do
    hand_back(t, { unpack(numbers, from, math.min(from + BACK_PIECE - 1, #numbers)) })
  end
  -- Whoever hands back may be about to stop, and would be told in vain.
  redis.call('SREM', t.sleepers, identity)
  wake_one(t)
end

local function settle_one(t, job, keep, now)
  local number, outcome, id, detail = job.number, job.outcome, job.id, job.detail
  if exists(CANCELS) and redis.call('HDEL', CANCELS, number) == 1 then
    end_job(t, number, 'cancelled', id, '{}', keep, now / 1000)
    return 'x'
  elseif outcome == 'c' then
    end_job(t, number, 'completed', id, detail, keep, now / 1000)
    return 'c'
  elseif outcome == 'd' or outcome == 'n' or outcome == 'i' then
    if outcome ~= 'i' then count_failure(t, number, outcome == 'n') end
    end_job(t, number, 'dead', id, detail, keep, now / 1000)
    return 'd'
  end
  return retry_job(t, job, now)
end

-- Whatever does not simply complete is treated by itself.
local function single_out_members(t, lease, first, n)
  if not lease or not bundles_of(t) then return end
  local numbers = {}
  for k = 0, n - 1 do
    local number = ARGV[first + 6 * k]
    if place_of_member(lease, number) then numbers[#numbers + 1] = number end
  end
  if lease.slice then single_out_of_slice(lease, numbers) else single_out(t, numbers) end
end

-- What comes behind the numbers of a group that leaves something; gives what follows it as well.
local function extras_at(at)
  local ids, details = tonumber(ARGV[at]), nil
  local next_at = at + 1 + ids
  ids = ids > 0 and { unpack(ARGV, at + 1, at + ids) } or nil
  details = tonumber(ARGV[next_at])
  local after = next_at + 1 + details
  details = details > 0 and { unpack(ARGV, next_at + 1, after - 1) } or nil
  return { ids = ids, details = details }, after
end

-- One letter for a whole group that completed or was lost, else one for each job.
local function settle_completed(t, lease, joined, extras, keep, now)
  if not lease then return 'L' end
  local is_plain = not exists(CANCELS) and not extras
  if lease.slice and is_plain and end_in_slice(lease, joined) then
    if exists(PROGRESS) then
      redis.call('HDEL', PROGRESS, unpack(numbers_in(as_numbers(joined))))
    end
    return 'C'
  end
  joined = as_numbers(joined)
  t.ends_in_bundles = t.ends_in_bundles or lease.slice
  local numbers = numbers_in(joined)
  if #numbers == 0 then return 'C' end
  if not exists(CANCELS) and drop_first(lease, joined) then
    note_done(t, numbers, extras)
    return 'C'
  end
  local marks = exists(CANCELS) and redis.call('HMGET', CANCELS, unpack(numbers)) or {}
  local done, states, left = {}, {}, extras and { ids = {}, details = {} }
  local ids, details = extras and extras.ids or {}, extras and extras.details or {}
  for k, number in ipairs(numbers) do
    local at = place_of_member(lease, number)
    if not at then
      states[k] = 'l'
    else
      drop_member(lease, at)
      if marks[k] then
        single_out(t, { number })
        local job = { number = number, outcome = 'c', id = ids[k] or '', detail = '{}' }
        states[k] = settle_one(t, job, keep, now)
      else
        local n = #done + 1
        done[n], states[k] = number, 'c'
        if left then left.ids[n], left.details[n] = ids[k] or '', details[k] or '' end
      end
    end
  end
  note_done(t, done, left)
  return #done == #numbers and 'C' or table.concat(states, ',')
end
