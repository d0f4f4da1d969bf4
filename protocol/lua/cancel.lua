#!lua flags=allow-oom
-- cancel: ends a waiting job as cancelled; marks a running one and tells its owner.
-- keys   shard, session, the group of the task
-- args   task name · id · the number that the id spells, or '' · keep rules (8)
-- gives  { state or 'cancelling', changed 1|0 }, or {} when not known
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/find.lua
-- @include lib/overlap.lua
local t = task_keys(1, ARGV[1])
local keep, now = keep_rules(4), now_us()
local now_ms = now / 1000
local number, ended = find_number(t, ARGV[2], ARGV[3], now_ms)
if not number then return {} end
if ended then return { ended, '0' } end
local state = place_of(t, number)
if not state then return {} end
if state == 'running' then
  return { 'cancelling', tostring(mark_cancelled(t, number)) }
end
if state ~= 'ready' and state ~= 'scheduled' then return { state, '0' } end
local head = end_waiting(t, number, keep, now_ms)
if head.x == 1 and head.s then job_ended(t, head.s, number, now) end
save_ends()
return { 'cancelled', '1' }
