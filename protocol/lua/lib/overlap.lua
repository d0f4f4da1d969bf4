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

-- Both are read and written as texts: there can be a thousand entries of which one is of concern.
-- So many open jobs are looked for, from the front, before one is taken for open.
local MOST_SOUGHT = 50

local function occurrence_of(entry)
  local at, catchup, missed, how = string.match(entry, '^(%S+),(%d),(%d+),(%a)$')
  if not at then return nil end
  return { at = tonumber(at), catchup = catchup == '1', missed = tonumber(missed), how = how }
end

local function text_of(o)
  return string.format('%.0f,%d,%.0f,%s', o.at, o.catchup and 1 or 0, o.missed, o.how)
end

local function write_text(field, text)
  if text == '' then
    redis.call('HDEL', SCHEDULES, field)
  else
    redis.call('HSET', SCHEDULES, field, text)
  end
end

local function waiting_in(buffer)
  if buffer == '' then return 0 end
  local n, at = 1, string.find(buffer, ' ', 1, true)
  while at do n, at = n + 1, string.find(buffer, ' ', at + 1, true) end
  return n
end

-- The first entry, and the rest.
local function cut_first(text, between)
  local stop = string.find(text, between, 1, true)
  if not stop then return text, '' end
  return string.sub(text, 1, stop - 1), string.sub(text, stop + 1)
end

local function number_in(line)
  return string.match(line, '^%d+')
end

-- Open jobs that are gone without having said so are dropped when they are the first.
local function load_overlap(t, s)
  if s.open then return end
  s.open, s.opened = redis.call('HGET', SCHEDULES, 'o' .. s.id) or '', {}
  s.buffer, s.buffered = redis.call('HGET', SCHEDULES, 'b' .. s.id) or '', {}
  s.waiting = waiting_in(s.buffer)
  for _ = 1, MOST_SOUGHT do
    local line, rest = cut_first(s.open, '\n')
    local number = number_in(line)
    if line == '' or (number and (redis.call('HEXISTS', t.jobs, number) == 1
      or is_later(t, number))) then
      return
    end
    s.open = rest
  end
end

local function has_open(s)
  return s.open ~= '' or #s.opened > 0
end

local function joined(text, more, between)
  if #more == 0 then return text end
  local added = table.concat(more, between)
  return text == '' and added or text .. between .. added
end

local function write_overlap(s)
  if not s.open then return end
  write_text('o' .. s.id, joined(s.open, s.opened, '\n'))
  write_text('b' .. s.id, joined(s.buffer, s.buffered, ' '))
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
      s.opened[#s.opened + 1] = id == '' and number or number .. ' "' .. json_id(s, o) .. '"'
    end
  end
  return answer, created, #record
end

-- While nothing is open, the first that waits becomes a job; one that has been one is dropped.
local function release(t, s, now)
  local released = false
  s.buffer, s.buffered = joined(s.buffer, s.buffered, ' '), {}
  while not has_open(s) and s.buffer ~= '' do
    local entry
    entry, s.buffer = cut_first(s.buffer, ' ')
    s.waiting = s.waiting - 1
    local o = occurrence_of(entry)
    if o then
      local _, created = make_job(t, s, o, true, now)
      released = released or created
    end
  end
  return released
end

-- Ends open jobs that wait, and marks those that run.
local function cancel_open(t, s, keep, now_ms)
  local left = {}
  for line in string.gmatch(joined(s.open, s.opened, '\n'), '[^\n]+') do
    local number = number_in(line)
    if redis.call('SISMEMBER', t.claimed, number) == 1 then
      left[#left + 1] = line
      mark_cancelled(t, number)
    else
      end_waiting(t, number, keep, now_ms)
    end
  end
  s.open, s.opened = table.concat(left, '\n'), {}
end

local function give_up_waiting(s, now_ms)
  for entry in string.gmatch(joined(s.buffer, s.buffered, ' '), '%S+') do
    local o = occurrence_of(entry)
    if o then pass_one(s, 'r', o.at, now_ms) end
  end
  s.buffer, s.buffered, s.waiting = '', {}, 0
end

-- One occurrence that fires, by an overlap policy. Gives the outcome for clients, whether a job
-- became ready, and its size.
local function fire_occurrence(t, s, o, overlap, keep, now)
  local now_ms = now / 1000
  if overlap ~= ALLOW then
    load_overlap(t, s)
    if has_open(s) or s.waiting > 0 then
      if overlap == SKIP or (overlap == BUFFER_ONE and s.waiting > 0) then
        pass_one(s, 'v', o.at, now_ms)
        return 'sv', false, 0
      elseif overlap == CANCEL_OTHER then
        give_up_waiting(s, now_ms)
        cancel_open(t, s, keep, now_ms)
      elseif s.waiting >= MOST_BUFFERED then
        pass_one(s, 'f', o.at, now_ms)
        return 'sf', false, 0
      end
      if overlap ~= CANCEL_OTHER or has_open(s) then
        s.buffered[#s.buffered + 1], s.waiting = text_of(o), s.waiting + 1
        return 'b', false, 0
      end
    end
  end
  return make_job(t, s, o, overlap ~= ALLOW or s.overlap ~= ALLOW, now)
end

-- Where the line of a number begins, and how long it is.
local function place_of_line(text, number, from)
  local at = string.find(text, number, from, true)
  while at do
    local before, after = string.byte(text, at - 1), string.byte(text, at + #number)
    if (at == 1 or before == 10) and (not after or after == 10 or after == 32) then
      return at, (string.find(text, '\n', at, true) or #text + 1) - at
    end
    at = string.find(text, number, at + 1, true)
  end
end

-- Open jobs of schedules, as this call has met them: the text that is stored, and which of its
-- lines are over. Jobs end mostly in the order in which they stand there.
local over = {}

-- A tracked job has ended: it is open no more, and the next that waits takes its place.
local function job_ended(t, id, number, now)
  local known = over[id]
  if not known then
    local text = redis.call('HGET', SCHEDULES, 'o' .. id) or ''
    known = { text = text, cuts = {}, left = #text, last = 1 }
    over[id] = known
  end
  local at, size = place_of_line(known.text, number, known.last)
  if not at then at, size = place_of_line(known.text, number, 1) end
  if not at or known.cuts[at] then return end
  known.cuts[at], known.last, known.left = size, at, known.left - size - 1
  if known.left > 0 then return end
  over[id] = nil
  redis.call('HDEL', SCHEDULES, 'o' .. id)
  if redis.call('HEXISTS', SCHEDULES, 'b' .. id) == 0 then return end
  local s = read_schedule(id)
  if not s or s.task ~= t.name then return end
  s.open, s.opened = '', {}
  s.buffer, s.buffered = redis.call('HGET', SCHEDULES, 'b' .. id) or '', {}
  s.waiting = waiting_in(s.buffer)
  local released = release(t, s, now)
  write_overlap(s)
  write_ledger(s)
  if released then wake_one(t) end
end

-- At the end of a call that has ended jobs: the bounds of what is kept, and the open jobs that are
-- left of those that have been met.
local function save_ends()
  save_bounds()
  for id, known in pairs(over) do
    if next(known.cuts) then
      redis.call('HSET', SCHEDULES, 'o' .. id, without_cuts(known.text, known.cuts, 10))
    end
  end
  over = {}
end

-- A tracked job is issued again under a new number: it is open, unless its schedule has gone.
local function join_open(t, head, number)
  local s = read_schedule(head.s)
  if not s or s.task ~= t.name then return end
  local open = redis.call('HGET', SCHEDULES, 'o' .. s.id) or ''
  local line = head.i and number .. ' ' .. cjson.encode(head.i) or number
  write_text('o' .. s.id, joined(open, { line }, '\n'))
end
