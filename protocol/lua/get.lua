#!lua flags=allow-oom
-- get: one job by its public id.
-- keys   shard, session, the group of the task
-- args   task name · id · the number that the id spells, or ''
-- gives  { number, state, record or ended text, counts, dueAt, fence, lease end, cancelling 1|0,
--          progress JSON, last error }, each '' when there is none; {} when not known
--        { number, state } of a job that is gone, whose id is remembered
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/find.lua
local t = task_keys(1, ARGV[1])
local number, ended = find_number(t, ARGV[2], ARGV[3], now_us() / 1000)
if not number then return {} end
return view(t, number) or (ended and { number, ended } or {})
