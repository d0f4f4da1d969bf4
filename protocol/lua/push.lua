#!lua
-- push: saves new jobs, in order. Not allowed when memory is full: nothing is stored then.
-- keys   shard, session, then the groups of the tasks named
-- args   epoch · seq · number of jobs · number of tasks · their names ·
--        segments: task index, kind, n, and for kind p (ready, no id, priority 0): n records;
--        for kind s: n × (id or '', due '' | '+ms' | '@epochMs', priority, record)
-- does   a lone job that is the only one ready, and may run again, is claimed for a sleeper
-- gives  one string: for kind p 'first number', for kind s 'number,created 1|0,state letter,dueAt'
-- each; joined by ';'
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/number.lua
-- @include lib/call.lua
-- @include lib/hand.lua
-- @include lib/job.lua
-- @include lib/new-job.lua
-- @include lib/promote.lua

local repeated = begin_call('push', ARGV[1], ARGV[2])
if repeated then return repeated end

local now = now_us()
local now_ms = now / 1000
local next_number = nil
local task_count = tonumber(ARGV[4])
local tasks, became_ready = {}, {}
for k = 1, task_count do tasks[k] = task_keys(k, ARGV[4 + k]) end
local answers = {}
do
  local rare = {}
  for k = 1, task_count do
    rare[2 * k - 1], rare[2 * k] = tasks[k].due, tasks[k].tries
  end
  if ARGV[3] == '1' then rare[3], rare[4] = tasks[1].prio, tasks[1].alone end
  ask_for_rare(rare)
end

local function push_plain(t, i, n)
  local numbers, fields, args = digits_from(next_number, n), {}, ARGV
  for k = 1, n do
    fields[2 * k - 1], fields[2 * k] = numbers[k], args[i + k - 1]
  end
  redis.call('HSET', t.jobs, unpack(fields))
  t.in_line = redis.call('RPUSH', t.ready, unpack(numbers))
  answers[#answers + 1] = numbers[1]
  next_number = next_number + n
  redis.call('HINCRBY', t.stats, 'pushed', n)
end

-- What the jobs of a segment add, written together at its end.
local function new_batch()
  return { jobs = {}, ready = {}, later = {}, records = {}, due = {}, fresh = {}, count = 0 }
end

local function write_batch(t, b)
  if #b.jobs > 0 then redis.call('HSET', t.jobs, unpack(b.jobs)) end
  if #b.ready > 0 then redis.call('RPUSH', t.ready, unpack(b.ready)) end
  if #b.later > 0 then put_all_later(t, b.later, b.records, b.due) end
  if b.count > 0 then redis.call('HINCRBY', t.stats, 'pushed', b.count) end
end

local function push_special(t, i, b)
  local id, priority, record = ARGV[i], ARGV[i + 2], ARGV[i + 3]
  if id ~= '' then
    local there = b.fresh[id] or known_text(t, id, now_ms)
    if there then
      answers[#answers + 1] = there
      return
    end
  end
  local number, due = digits(next_number), due_of(ARGV[i + 1], now_ms)
  next_number, b.count = next_number + 1, b.count + 1
  if due then
    local k = #b.later + 1
    b.later[k], b.records[k], b.due[k] = number, record, due
  else
    b.jobs[#b.jobs + 1], b.jobs[#b.jobs + 2] = number, record
    became_ready[t] = true
    if priority == '0' then
      b.ready[#b.ready + 1] = number
    else
      join(t, number, priority, 0, nil, number)
    end
  end
  if id ~= '' then
    name_job(t, id, number)
    b.fresh[id] = number .. ',0,' .. (due and 's,' .. due or 'r,')
  end
  answers[#answers + 1] = number .. ',1,' .. (due and 's,' .. due or 'r,')
end

-- What became due before this push stands in line before it.
for k = 1, task_count do promote(tasks[k], now_ms, 100) end
next_number = take_numbers('number', tonumber(ARGV[3]), now)

local i = 5 + task_count
while i <= #ARGV do
  local t, kind, n = tasks[tonumber(ARGV[i])], ARGV[i + 1], tonumber(ARGV[i + 2])
  i = i + 3
  if kind == 'p' then
    push_plain(t, i, n)
    became_ready[t] = true
    i = i + n
  else
    local b = new_batch()
    for _ = 1, n do
      push_special(t, i, b)
      i = i + 4
    end
    write_batch(t, b)
  end
end

-- The call's only job, plain and first in line.
local function is_lone(t)
  return ARGV[3] == '1' and t.in_line == 1 and may_be_handed(ARGV[9])
end

for k = 1, task_count do
  local t = tasks[k]
  if became_ready[t] and is_lone(t) then
    if not hand_or_wake(t, answers[1], ARGV[9], now) then
      redis.call('ZADD', MOMENTS, 0, t.name)
    end
  elseif became_ready[t] then
    redis.call('ZADD', MOMENTS, 0, t.name)
    wake_one(t)
  end
end

local answer = table.concat(answers, ';')
end_call('push', ARGV[2], answer)
redis.call('EXPIRE', SESSION, 3600, 'GT')
return { answer }
