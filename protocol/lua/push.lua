#!lua
-- push: saves new jobs, in order. Not allowed when memory is full: nothing is stored then.
-- keys   shard, session, then the groups of the tasks named
-- args   epoch · seq · number of jobs · number of tasks · their names ·
--        segments: task index, kind, n, and for kind p (ready, no id, priority 0): n records,
--        for kind s: n × (id or '', due '' | '+ms' | '@epochMs', priority, record)
-- gives  one string: for kind p 'first number', for kind s 'number,created 1|0,state letter,dueAt'
-- each; joined by ';'
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/number.lua
-- @include lib/call.lua
-- @include lib/wake.lua
-- @include lib/job.lua
-- @include lib/new-job.lua
-- @include lib/promote.lua

local repeated = begin_call('push', ARGV[1], ARGV[2])
if repeated then return repeated end

local now = now_us()
local now_ms = now / 1000
local next_number = take_numbers('number', tonumber(ARGV[3]), now)
local task_count = tonumber(ARGV[4])
local tasks, became_ready = {}, {}
for k = 1, task_count do tasks[k] = task_keys(k, ARGV[4 + k]) end
local answers = {}

local function push_plain(t, i, n)
  local fields, numbers = {}, {}
  for k = 1, n do
    local number = digits(next_number + k - 1)
    fields[2 * k - 1], fields[2 * k] = number, ARGV[i + k - 1]
    numbers[k] = number
  end
  redis.call('HSET', t.jobs, unpack(fields))
  redis.call('RPUSH', t.ready, unpack(numbers))
  answers[#answers + 1] = numbers[1]
  next_number = next_number + n
  redis.call('HINCRBY', t.stats, 'pushed', n)
end

local function push_special(t, i)
  local job = { id = ARGV[i], due = ARGV[i + 1], priority = ARGV[i + 2], record = ARGV[i + 3] }
  local answer, ready = save_job(t, digits(next_number), job, now_ms)
  next_number = next_number + 1
  became_ready[t] = became_ready[t] or ready
  answers[#answers + 1] = answer
end

-- What became due before this push stands in line before it.
for k = 1, task_count do promote(tasks[k], now_ms, 100) end

local i = 5 + task_count
while i <= #ARGV do
  local t, kind, n = tasks[tonumber(ARGV[i])], ARGV[i + 1], tonumber(ARGV[i + 2])
  i = i + 3
  if kind == 'p' then
    push_plain(t, i, n)
    became_ready[t] = true
    i = i + n
  else
    for _ = 1, n do
      push_special(t, i)
      i = i + 4
    end
  end
end

for k = 1, task_count do
  local t = tasks[k]
  if became_ready[t] then
    redis.call('ZADD', MOMENTS, 0, t.name)
    wake_one(t)
  end
end

local answer = table.concat(answers, ';')
end_call('push', ARGV[2], answer)
redis.call('EXPIRE', SESSION, 3600, 'GT')
return { answer }
