#!lua
-- push: saves new jobs, in order. Not allowed when memory is full: nothing is stored then.
-- keys   shard, session, then the groups of the tasks named
-- args   epoch · seq · number of jobs · number of tasks, in a store of several shards then a space
--        and which of them their caller takes for not spread, by ',' · their names ·
--        segments: task index, kind, n, and for kind p (ready, no id, priority 0): n records;
--        for kind b (the same, as bundles): n × (how many, at most 100, ':' and the size of each
--        record if all are alike; their records, joined by NUL);
--        for kind s and letters of i, d, p, in this order: n × (one argument for each letter, id or
--        '', due '' | '+ms' | '@epochMs', priority; record)
-- does   a lone job that is the only one ready, and may run again, is claimed for a sleeper
-- gives  one string: for kind p, and for each bundle of kind b, 'first number'; for kind s
--        'number,created 1|0,state letter,dueAt' of each job, or once, behind a '*': the first of n
--        in a row that are alike; joined by ';'. '!task index:over' by ',': nothing was stored,
--        since these tasks are spread over so many
-- usual  begin_call end_call answered ask_for_rare exists task_keys whole exact digits
--        digits_from take_numbers raised may_be_handed is_line_empty listening_sleeper take_both
--        hand wake_one promote promote_share push_plain
--        next_numbers push_bundles put_bundles bundles_of slice_text
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/number.lua
-- @include lib/call.lua
-- @include lib/rare.lua

local repeated = begin_call('push', ARGV[1], ARGV[2])
if repeated then return repeated end

local now = now_us()
local now_ms = now / 1000
local task_count = tonumber(ARGV[4])

-- Told where the caller would store in the home what may stand elsewhere already.
local function spread_ones(places)
  local fields, indexes, found = {}, {}, {}
  for k in string.gmatch(places, '%d+') do
    indexes[#indexes + 1] = k
    fields[#fields + 1] = 'spread ' .. ARGV[4 + tonumber(k)]
  end
  for k, over in ipairs(redis.call('HMGET', META, unpack(fields))) do
    if over and over ~= '1' then found[#found + 1] = indexes[k] .. ':' .. over end
  end
  return table.concat(found, ',')
end

if not task_count then
  local count, places = string.match(ARGV[4], '^(%d+) (.+)$')
  task_count = tonumber(count)
  local spread = spread_ones(places)
  if spread ~= '' then
    end_call('push', ARGV[2], '!' .. spread)
    return { '!' .. spread }
  end
end

local function answered(answer)
  end_call('push', ARGV[2], answer)
  redis.call('EXPIRE', SESSION, 3600, 'GT')
  return { answer }
end

local tasks = {}
for k = 1, task_count do tasks[k] = task_keys(k, ARGV[4 + k]) end
do
  local rare = {}
  for k = 1, task_count do
    rare[2 * k - 1], rare[2 * k] = tasks[k].due, tasks[k].tries
  end
  if ARGV[3] == '1' then
    rare[3], rare[4], rare[5] = tasks[1].prio, tasks[1].alone, tasks[1].ready
  end
  ask_for_rare(rare)
end

-- @include lib/hand.lua

-- The call's only job, plain, and nothing of its task stands in line. The rest of this script is
-- not even defined then, since that alone would take most of the time.
local is_lone = ARGV[3] == '1' and ARGV[7] == 'p' and may_be_handed(ARGV[9])
  and is_line_empty(tasks[1], now_ms)
local handed = is_lone and hand(tasks[1], ARGV[9], now)
if handed then return answered(handed) end

-- One plain job behind others, and none that is due may stand before it: for the same reason.
if ARGV[3] == '1' and ARGV[7] == 'p' and not exists(tasks[1].due) then
  local t, number = tasks[1], digits(take_numbers('number', 1, now))
  redis.call('HSET', t.jobs, number, ARGV[9])
  redis.call('RPUSH', t.ready, number)
  redis.call('HINCRBY', t.stats, 'pushed', 1)
  redis.call('ZADD', MOMENTS, 0, t.name)
  -- Nobody heard of a lone one.
  if not is_lone then wake_one(t) end
  return answered(number)
end

-- @include lib/job.lua
-- @include lib/bundle.lua
-- @include lib/new-job.lua
-- @include lib/promote.lua

-- What became due before this push stands in line before it.
for k = 1, task_count do promote(tasks[k], now_ms, promote_share(2 * task_count)) end

local became_ready, answers = {}, {}
local next_number = take_numbers('number', tonumber(ARGV[3]), now)

-- Of `count` jobs in a row; `alike`: none of these may be given to any other before.
local taken_to = next_number + tonumber(ARGV[3]) - 1
local function next_numbers(first, count)
  if first + count - 1 > taken_to then
    taken_to = first + count - 1
    redis.call('HSET', META, 'number', digits(taken_to))
  end
  next_number = first + count
  return first
end

local function push_bundles(t, i, n)
  local pieces, count = {}, 0
  for k = 1, n do
    local jobs, size = string.match(ARGV[i + 2 * k - 2], '^(%d+):?(%d*)$')
    pieces[k] = { count = tonumber(jobs), size = tonumber(size), text = ARGV[i + 2 * k - 1] }
    count = count + pieces[k].count
  end
  -- Their first 14 digits are those of no other job.
  local bundle = math.ceil(next_number / 100)
  next_numbers(100 * bundle, 100 * (n - 1) + pieces[n].count)
  put_bundles(t, bundle, pieces)
  for k = 1, n do answers[#answers + 1] = digits(100 * (bundle + k - 1)) end
  redis.call('HINCRBY', t.stats, 'pushed', count)
end

local function push_plain(t, i, n)
  local first = next_numbers(next_number, n)
  local numbers, fields, args = digits_from(first, n), {}, ARGV
  for k = 1, n do
    fields[2 * k - 1], fields[2 * k] = numbers[k], args[i + k - 1]
  end
  redis.call('HSET', t.jobs, unpack(fields))
  redis.call('RPUSH', t.ready, unpack(numbers))
  answers[#answers + 1] = numbers[1]
  redis.call('HINCRBY', t.stats, 'pushed', n)
end

-- What the jobs of a segment add, written together at its end; ids before the records they name.
local function new_batch()
  return {
    jobs = {}, ready = {}, prio = {}, later = {}, records = {}, due = {}, ids = {}, named = {},
  }
end

local function write_batch(t, b, count)
  if #b.ids > 0 then
    redis.call('HSET', t.ids, unpack(b.ids))
    redis.call('ZREM', t.idends, unpack(b.named))
  end
  if #b.jobs > 0 then redis.call('HSET', t.jobs, unpack(b.jobs)) end
  if #b.ready > 0 then redis.call('RPUSH', t.ready, unpack(b.ready)) end
  if #b.prio > 0 then
    written(t.prio)
    redis.call('ZADD', t.prio, unpack(b.prio))
  end
  if #b.later > 0 then put_all_later(t, b.later, b.records, b.due) end
  if count > 0 then redis.call('HINCRBY', t.stats, 'pushed', count) end
end

-- Which ids have an entry, of n that stand `width` apart.
local function entries_of(t, first, n, width)
  local ids, there = {}, {}
  for i = first, first + width * (n - 1), width do
    if ARGV[i] ~= '' then ids[#ids + 1] = ARGV[i] end
  end
  local entries = #ids > 0 and redis.call('HMGET', t.ids, unpack(ids)) or {}
  for k, id in ipairs(ids) do there[id] = entries[k] end
  return there
end

local dues = {}

-- The jobs of a turn are mostly due after the same time.
local function due_at(text)
  if dues[text] == nil then dues[text] = due_of(text, now_ms) or false end
  return dues[text]
end

-- Gives its state letter and due time, as they are answered.
local function add_job(t, b, number, job)
  local due, priority = job.due and due_at(job.due), job.priority or '0'
  if due then
    local k = #b.later + 1
    b.later[k], b.records[k], b.due[k] = number, job.record, due
    return 's,' .. due
  end
  local n = #b.jobs
  b.jobs[n + 1], b.jobs[n + 2] = number, job.record
  became_ready[t] = true
  if priority == '0' then
    b.ready[#b.ready + 1] = number
  else
    n = #b.prio
    b.prio[n + 1], b.prio[n + 2] = priority, last_in_line(number, number)
  end
  return 'r,'
end

-- `said`: by place, what is known of an id. The others have these numbers and states, in order.
local function answer_segment(n, said, numbers, states)
  local alike, made = n > 1 and #states == n, 0
  for k = 2, #states do alike = alike and states[k] == states[1] end
  if alike then
    answers[#answers + 1] = '*' .. numbers[1] .. ',1,' .. states[1]
    return
  end
  for k = 1, n do
    if not said[k] then made = made + 1 end
    answers[#answers + 1] = said[k] or numbers[made] .. ',1,' .. states[made]
  end
end

local function push_special(t, first, n, kind)
  local width, at, b = #kind, {}, new_batch()
  for k = 2, width do at[string.sub(kind, k, k)] = k - 2 end
  local there = at.i and entries_of(t, first + at.i, n, width) or {}
  local first_number = next_number
  local numbers, states, said, fresh, made = digits_from(first_number, n), {}, {}, {}, 0
  local job = {}
  for k = 1, n do
    local i = first + width * (k - 1)
    local id = at.i and ARGV[i + at.i] or ''
    -- Known since before, or since a job of this segment.
    local twin = id ~= '' and fresh[id]
    local answer = twin and numbers[twin] .. ',0,' .. states[twin]
      or there[id] and known_text(t, id, now_ms)
    if answer then
      said[k] = answer
    else
      made = made + 1
      job.due, job.priority = at.d and ARGV[i + at.d], at.p and ARGV[i + at.p]
      job.record = ARGV[i + width - 1]
      states[made] = add_job(t, b, numbers[made], job)
      if id ~= '' then
        local m = #b.named + 1
        b.named[m], b.ids[2 * m - 1], b.ids[2 * m] = id, id, numbers[made]
        fresh[id] = made
      end
    end
  end
  next_numbers(first_number, made)
  write_batch(t, b, made)
  answer_segment(n, said, numbers, states)
end

local i = 5 + task_count
while i <= #ARGV do
  local t, kind, n = tasks[tonumber(ARGV[i])], ARGV[i + 1], tonumber(ARGV[i + 2])
  i = i + 3
  if kind == 'p' then
    push_plain(t, i, n)
    became_ready[t] = true
    i = i + n
  elseif kind == 'b' then
    push_bundles(t, i, n)
    became_ready[t] = true
    i = i + 2 * n
  else
    push_special(t, i, n, kind)
    i = i + #kind * n
  end
end

local moments, sleepers = {}, {}
for k = 1, task_count do
  local t = tasks[k]
  if became_ready[t] then
    local n = #moments
    moments[n + 1], moments[n + 2], sleepers[n / 2 + 1] = 0, t.name, t.sleepers
  end
end
if #moments > 0 then redis.call('ZADD', MOMENTS, unpack(moments)) end
-- Nobody heard of a lone one.
if is_lone then sleepers = {} end
if #sleepers == 1 or (#sleepers > 1 and redis.call('EXISTS', unpack(sleepers)) > 0) then
  for k = 1, task_count do
    if became_ready[tasks[k]] then wake_one(tasks[k]) end
  end
end

return answered(table.concat(answers, ';'))
