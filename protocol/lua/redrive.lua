#!lua flags=allow-oom
-- redrive: issues a dead or cancelled job again under a new number, with its counters at zero.
-- keys   shard, session, the group of the task
-- args   task name · id · its number · the new record (its head names the id)
-- gives  1; 0 when the job is not what the caller saw; 2 when its id is another job's meanwhile
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/overlap.lua
local t, id, old, record = task_keys(1, ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local ended = redis.call('HGET', t.ended, old)
if not ended then return 0 end
local letter = string.sub(ended, 1, 1)
if letter ~= 'd' and letter ~= 'x' then return 0 end
local entry = redis.call('HGET', t.ids, id)
if entry and string.match(entry, '^%d+') ~= old then return 2 end
local number = digits(take_numbers('number', 1, now_us()))
redis.call('HSET', t.jobs, number, record)
redis.call('HSET', t.ids, id, number)
redis.call('ZREM', t.idends, id)
redis.call('HDEL', t.ended, old)
redis.call('ZREM', letter == 'd' and t.dead or t.cancelled, old)
join(t, number, priority_of(record), 0, nil, number)
local head = head_of(record)
if head.x == 1 and head.s then join_open(t, head, number) end
wake_one(t)
return 1
