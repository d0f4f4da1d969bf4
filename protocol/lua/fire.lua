#!lua
-- fire: turns due occurrences into jobs and moves the cursor, if nobody was faster.
-- keys   shard, session, the group of the task
-- args   task name · schedule id · revision · cursor seen · next cursor or '' · last decided ·
--        for each job: id or '', due '' | '+ms' | '@epochMs', priority, record
-- gives  { 1, 'number,created 1|0,state letter,dueAt' … },
--        or { 0 } when cursor or revision are not what the caller saw
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/number.lua
-- @include lib/wake.lua
-- @include lib/job.lua
-- @include lib/new-job.lua
-- @include lib/schedule.lua
local t, id = task_keys(1, ARGV[1]), ARGV[2]
local seen, following = tonumber(ARGV[4]), ARGV[5]
local now = now_us()
local s = read_schedule(id)
local cursor = tonumber(redis.call('ZSCORE', CURSORS, id) or nil)
local as_seen = s and s.revision == tonumber(ARGV[3]) and cursor == seen
if not as_seen or seen > now / 1000 or seen <= s.fired then
  return { '0' }
end

local jobs = (#ARGV - 6) / 4
local answers, any_ready = { '1' }, false
s.fired = math.max(seen, tonumber(ARGV[6]))
write_schedule(id, s)
if following == '' then
  redis.call('ZREM', CURSORS, id)
else
  redis.call('ZADD', CURSORS, following, id)
end
if jobs > 0 then
  local first = take_numbers('number', jobs, now)
  for k = 0, jobs - 1 do
    local a = 7 + 4 * k
    local job = { id = ARGV[a], due = ARGV[a + 1], priority = ARGV[a + 2], record = ARGV[a + 3] }
    local answer, ready = save_job(t, digits(first + k), job, now / 1000)
    answers[#answers + 1] = answer
    any_ready = any_ready or ready
  end
  if any_ready then wake_one(t) end
end
return answers
