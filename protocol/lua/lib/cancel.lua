-- cancel: ends a job that waits, marks one that runs.
-- @include lib/bundle.lua
local function mark_cancelled(t, number)
  written(CANCELS)
  local marked = redis.call('HSETNX', CANCELS, number, '1')
  local lease = lease_of(t, number)
  if lease then
    local message = 'c' .. lease.fence .. ' ' .. number .. ' ' .. t.name
    redis.call('PUBLISH', CHANNEL .. owner_of(lease), message)
  end
  return marked
end

-- Gives its head.
local function end_waiting(t, number, keep, now_ms)
  single_out(t, { number })
  local record = redis.call('HGET', t.jobs, number) or record_of_later(t, number)
  local head = head_of(record)
  drop_later(t, number)
  end_job(t, number, 'cancelled', head.i or '', '{}', keep, now_ms, record)
  return head
end
