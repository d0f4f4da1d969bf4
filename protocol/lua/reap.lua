#!lua flags=allow-oom
-- reap: takes back the jobs of leases that are still expired; the record of each job says what
-- becomes of it.
-- keys   shard, session, then the groups of the tasks named
-- args   random 0..1 · keep rules (8) · number of tasks · their names · then fence, task index
-- gives  for each job { task index, fence, number, id or '', state letter, reason or '', dueAt or
-- '', counts }
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/note.lua
-- @include lib/overlap.lua
-- @include lib/bundle.lua
local MOST_CRASHES_IN_ROW, LONGEST_WAIT_MS, DEFAULT_WAIT_MS = 10, 3600000, 10000

local random = tonumber(ARGV[1])
local keep = keep_rules(2)
local now = now_us()
local now_ms = now / 1000
local i = 2 + KEEP_ARGS
local task_count = tonumber(ARGV[i])
local tasks = {}
for k = 1, task_count do tasks[k] = task_keys(k, ARGV[i + k]) end
i = i + task_count + 1
local reaped = {}

-- The k-th number of a spread over 0..1 that begins at the caller's random number.
local function spread(k)
  return (random + k * 0.6180339887) % 1
end

-- When a crashed job is due again: growing waits from the last renewal, but not before the lease's
-- end.
local function due_after_crash(lease, ends_at, head, row)
  local factor = row >= 2 and 0.5 + spread(#reaped) or 1
  local wait = math.min((head.w or DEFAULT_WAIT_MS) * 2 ^ (row - 1) * factor, LONGEST_WAIT_MS)
  return math.max(ends_at, math.ceil(ends_at - lease.length + wait))
end

local function reissue(t, number, record, due_ms, row)
  redis.call('SREM', t.claimed, number)
  redis.call('HDEL', PROGRESS, number)
  if due_ms <= now_ms then
    join(t, number, priority_of(record), row, now)
    return 'r', ''
  end
  local due = whole(due_ms)
  redis.call('HDEL', t.jobs, number)
  put_later(t, number, record, due)
  return 's', due
end

-- One job of an expired lease: what becomes of it, why, when it is due, and its counts.
local function reap_job(t, lease, ends_at, number, record, head)
  local id = head.i or ''
  local f, c, h, row, inv = counts_of(t, number)
  if redis.call('HEXISTS', CANCELS, number) == 1 then
    end_job(t, number, 'cancelled', id, '{}', keep, now_ms)
    return 'x', '', '', counts_text(f, c, h, row, inv)
  end
  if lease.handed then
    -- Whether its owner ever heard of it is not known: no attempt, and no hand-off.
    redis.call('SREM', t.claimed, number)
    redis.call('HDEL', PROGRESS, number)
    join_front(t, number, priority_of(record), row)
    return 'r', '', '', counts_text(f, c, h, row, inv)
  end
  if not head.r then
    end_job(t, number, 'dead', id, '{"reason":"interrupted"}', keep, now_ms)
    return 'd', 'interrupted', '', counts_text(f, c, h, row, inv)
  end
  c, row = c + 1, row + 1
  local counts = counts_text(f, c, h, row, inv)
  set_counts(t, number, counts)
  redis.call('HINCRBY', t.stats, 'crashes', 1)
  if row >= MOST_CRASHES_IN_ROW or (head.r > 0 and f + c >= head.r) then
    end_job(t, number, 'dead', id, '{"reason":"crashes"}', keep, now_ms)
    return 'd', 'crashes', '', counts
  end
  local state, due = reissue(t, number, record, due_after_crash(lease, ends_at, head, row), row)
  return state, '', due, counts
end

local function reap_lease(fence, index, grace_from)
  local t = tasks[index]
  local lease = read_lease(fence, t)
  local score = redis.call('ZSCORE', LEASES, fence)
  local ends_at = tonumber(score or '0')
  if ends_at > now_ms then return end
  if not lease then
    redis.call('ZREM', LEASES, fence)
    return
  end
  if now_ms < grace_from + (lease.handed and HANDED_MS or lease.length) then return end
  if not score then ends_at = now_ms end
  redis.call('ZREM', LEASES, fence)
  redis.call('HDEL', LEASE, fence)
  forget_lease(lease.length)
  local members = members_of(lease)
  single_out(t, members)
  -- Those that have no record.
  leave_bundles(t, members)
  save_bundles(t)
  if lease.slice and exists(PROGRESS) then forget_progress(lease) end
  for _, number in ipairs(members) do
    local record = redis.call('HGET', t.jobs, number)
    if record and redis.call('SISMEMBER', t.claimed, number) == 1 then
      local head = head_of(record)
      local state, reason, due, counts = reap_job(t, lease, ends_at, number, record, head)
      local id = head.i or ''
      local over = state == 'd' or state == 'x'
      if over and head.x == 1 and head.s then job_ended(t, head.s, number, now) end
      reaped[#reaped + 1] = { tostring(index), fence, number, id, state, reason, due, counts }
    end
  end
  if #members > 0 then wake_one(t) end
end

-- A big lease is enough for one step; the next look names the others again.
local ENOUGH_JOBS = 50
local grace_from = note_time(now_ms)
for k = i, #ARGV, 2 do
  if #reaped < ENOUGH_JOBS then reap_lease(ARGV[k], tonumber(ARGV[k + 1]), grace_from) end
end
save_ends()
save_lengths()
return reaped
