#!lua flags=allow-oom
-- cancel: ends a waiting job as cancelled; marks a running one and tells its owner.
-- keys   shard, session, the group of the task
-- args   task name · id · the number that the id spells, or '' · keep rules (8)
-- gives  { state or 'cancelling', changed 1|0 }, or {} when not known
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/wake.lua
-- @include lib/job.lua
-- @include lib/lease.lua
-- @include lib/find.lua
local t = task_keys(1, ARGV[1])
local keep, now_ms = keep_rules(4), now_us() / 1000
local number, ended = find_number(t, ARGV[2], ARGV[3], now_ms)
if not number then return {} end
if ended then return { ended, '0' } end
local state, record, _, fence = place_of(t, number)
if not state then return {} end

if state == 'running' then
  local marked = redis.call('HSETNX', CANCELS, number, '1')
  local lease = read_lease(fence)
  if lease then
    local message = 'c' .. fence .. ' ' .. number .. ' ' .. t.name
    redis.call('PUBLISH', CHANNEL .. lease.owner, message)
  end
  return { 'cancelling', tostring(marked) }
end
if state ~= 'ready' and state ~= 'scheduled' then return { state, '0' } end
redis.call('HDEL', t.later, number)
redis.call('ZREM', t.due, number)
end_job(t, number, 'cancelled', head_of(record).i or '', '{}', keep, now_ms, record)
return { 'cancelled', '1' }
