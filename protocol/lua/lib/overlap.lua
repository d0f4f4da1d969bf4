-- overlap: what becomes of an occurrence while earlier jobs of its schedule have not ended, and of
-- those that wait when they end. `o`: a line for each open job, its number and, where it is the
-- caller's, its id as JSON. `b`: those that wait, `instant,catchup,missed,how` each.
-- @include lib/number.lua
-- @include lib/wake.lua
-- @include lib/job.lua
-- @include lib/new-job.lua
-- @include lib/lease.lua
-- @include lib/cancel.lua
-- @include lib/schedule.lua
-- @include lib/ledger.lua
local ALLOW, SKIP, BUFFER_ONE, CANCEL_OTHER = 0, 1, 2, 4
local MOST_BUFFERED = 1000

local function read_open(id)
  local open = {}
  for line in string.gmatch(redis.call('HGET', SCHEDULES, 'o' .. id) or '', '[^\n]+') do
    open[#open + 1] = line
  end
  return open
end

local function read_buffer(id)
  local buffer, text = {}, redis.call('HGET', SCHEDULES, 'b' .. id) or ''
  for at, catchup, missed, how in string.gmatch(text, '(%S+),(%d),(%d+),(%a)') do
    buffer[#buffer + 1] = {
      at = tonumber(at), catchup = catchup == '1', missed = tonumber(missed), how = how,
    }
  end
  return buffer
end

local function write_open(id, open)
  if #open == 0 then
    redis.call('HDEL', SCHEDULES, 'o' .. id)
  else
    redis.call('HSET', SCHEDULES, 'o' .. id, table.concat(open, '\n'))
  end
end

local function write_buffer(id, buffer)
  local parts = {}
  for k, o in ipairs(buffer) do
    parts[k] = string.format('%.0f,%d,%.0f,%s', o.at, o.catchup and 1 or 0, o.missed, o.how)
  end
  if #parts == 0 then
    redis.call('HDEL', SCHEDULES, 'b' .. id)
  else
    redis.call('HSET', SCHEDULES, 'b' .. id, table.concat(parts, ' '))
  end
end

local function number_in(line)
  return string.match(line, '^%d+')
end

-- Open jobs that are gone without having said so are dropped.
local function load_overlap(t, s)
  if s.open then return end
  s.open, s.buffer = {}, read_buffer(s.id)
  for _, line in ipairs(read_open(s.id)) do
    local number = number_in(line)
    if redis.call('HEXISTS', t.jobs, number) == 1 or is_later(t, number) then
      s.open[#s.open + 1] = line
    end
  end
end

local function write_overlap(s)
  if not s.open then return end
  write_open(s.id, s.open)
  write_buffer(s.id, s.buffer)
end

-- A backfilled occurrence has its id as the job's, as JSON without quotes; the schedule's own
-- stands at the end of the head.
local function json_id(s, o)
  return string.match(s.head, '"s":"(.*)"$') .. '@' .. whole(o.at)
end

-- The record of an occurrence's job: the schedule's head, which lacks its end, and the payload.
local function record_of(s, o, tracked)
  s.payload = s.payload or redis.call('HGET', SCHEDULES, 'p' .. s.id) or ''
  local head = s.head
  if o.how == 'b' then
    head = '{"i":"' .. json_id(s, o) .. '",' .. string.sub(head, 2)
  end
  return table.concat({
    head, ',"o":', whole(o.at), o.catchup and ',"c":1' or '',
    o.missed > 0 and ',"m":' .. whole(o.missed) or '', tracked and ',"x":1' or '', '}\n',
    s.payload,
  })
end

-- Makes the job of an occurrence. Gives what save_job says, whether it is ready and new.
local function make_job(t, s, o, tracked, now)
  local number = digits(take_numbers('number', 1, now))
  local record = record_of(s, o, tracked)
  local id = o.how == 'b' and s.id .. '@' .. whole(o.at) or ''
  local job = { id = id, due = '', priority = priority_of(record), record = record }
  local answer, created = save_job(t, number, job, now / 1000)
  if created then
    note_fired(s, o.at, number, o.how)
    if tracked then
      load_overlap(t, s)
      s.open[#s.open + 1] = id == '' and number or number .. ' "' .. json_id(s, o) .. '"'
    end
  end
  return answer, created, #record
end

-- While nothing is open, the first that waits becomes a job; one that has been one is dropped.
local function release(t, s, now)
  local released = false
  while #s.open == 0 and #s.buffer > 0 do
    local o = table.remove(s.buffer, 1)
    local _, created = make_job(t, s, o, true, now)
    released = released or created
  end
  return released
end

-- Ends open jobs that wait, and marks those that run.
local function cancel_open(t, s, keep, now_ms)
  local left = {}
  for _, line in ipairs(s.open) do
    local number = number_in(line)
    if redis.call('SISMEMBER', t.claimed, number) == 1 then
      left[#left + 1] = line
      mark_cancelled(t, number)
    else
      end_waiting(t, number, keep, now_ms)
    end
  end
  s.open = left
end

-- One occurrence that fires, by an overlap policy. Gives the outcome for clients, whether a job
-- became ready, and its size.
local function fire_occurrence(t, s, o, overlap, keep, now)
  local now_ms = now / 1000
  if overlap ~= ALLOW then
    load_overlap(t, s)
    local open, waiting = #s.open, #s.buffer
    if open > 0 or waiting > 0 then
      if overlap == SKIP or (overlap == BUFFER_ONE and waiting > 0) then
        pass_one(s, 'v', o.at, now_ms)
        return 'sv', false, 0
      elseif overlap == CANCEL_OTHER then
        for _, old in ipairs(s.buffer) do pass_one(s, 'r', old.at, now_ms) end
        s.buffer = {}
        cancel_open(t, s, keep, now_ms)
      elseif waiting >= MOST_BUFFERED then
        pass_one(s, 'f', o.at, now_ms)
        return 'sf', false, 0
      end
      if overlap ~= CANCEL_OTHER or #s.open > 0 then
        s.buffer[#s.buffer + 1] = o
        return 'b', false, 0
      end
    end
  end
  return make_job(t, s, o, overlap ~= ALLOW or s.overlap ~= ALLOW, now)
end

-- A tracked job has ended: it is open no more, and the next that waits takes its place.
local function job_ended(t, id, number, now)
  local open, left = read_open(id), {}
  for _, line in ipairs(open) do
    if number_in(line) ~= number then left[#left + 1] = line end
  end
  if #left == #open then return end
  write_open(id, left)
  if #left > 0 or redis.call('HEXISTS', SCHEDULES, 'b' .. id) == 0 then return end
  local s = read_schedule(id)
  if not s or s.task ~= t.name then return end
  s.open, s.buffer = left, read_buffer(id)
  local released = release(t, s, now)
  write_overlap(s)
  write_ledger(s)
  if released then wake_one(t) end
end

-- A tracked job is issued again under a new number: it is open, unless its schedule has gone.
local function join_open(t, head, number)
  local s = read_schedule(head.s)
  if not s or s.task ~= t.name then return end
  local open = read_open(s.id)
  open[#open + 1] = head.i and number .. ' ' .. cjson.encode(head.i) or number
  write_open(s.id, open)
end
