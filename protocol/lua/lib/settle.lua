-- settle: ends attempts under one lease.

-- Jobs that complete and leave nothing behind, of all leases of the call.
local function note_done(t, numbers)
  if not t.done then
    t.done = numbers
    return
  end
  for _, number in ipairs(numbers) do t.done[#t.done + 1] = number end
end

-- The common case: few commands for all of them.
local function complete_plain(t)
  local numbers = t.done or {}
  if #numbers == 0 then return end
  redis.call('HDEL', t.jobs, unpack(numbers))
  redis.call('SREM', t.claimed, unpack(numbers))
  if exists(PROGRESS) then redis.call('HDEL', PROGRESS, unpack(numbers)) end
  if exists(t.tries) then
    redis.call('HDEL', t.tries, unpack(numbers))
    redis.call('HDEL', t.errors, unpack(numbers))
  end
  redis.call('HINCRBY', t.stats, 'completed', #numbers)
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

-- Not begun, or given up by a stopping scheduler: no attempt is spent.
local function hand_back(t, number)
  local record = redis.call('HGET', t.jobs, number)
  if not record then return end
  local f, c, h, row, inv = counts_of(t, number)
  set_counts(t, number, counts_text(f, c, h + 1, row, inv))
  redis.call('SREM', t.claimed, number)
  if exists(PROGRESS) then redis.call('HDEL', PROGRESS, number) end
  join_front(t, number, priority_of(record), row)
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
