#!lua flags=allow-oom
-- prune: deletes what is past its keeping time or count, a bounded piece.
-- keys   shard, session, the group of the task
-- args   task name · keep rules (8)
-- gives  1 when there is more, else 0
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/job.lua
local MOST = 250
local t = task_keys(1, ARGV[1])
local keep = keep_rules(2)
local now_ms = now_us() / 1000
local more = 0

-- By age: not counted as dropped, its time had come.
local function prune_age(index, hash, before_ms)
  local before = whole(math.floor(before_ms))
  local old = redis.call('ZRANGEBYSCORE', index, '-inf', before, 'LIMIT', 0, MOST)
  if #old == 0 then return end
  redis.call('HDEL', hash, unpack(old))
  redis.call('ZREM', index, unpack(old))
  if #old == MOST then more = 1 end
end

local function prune_count(index, hash, count)
  bound(index, hash, count, t.stats, MOST)
  if redis.call('ZCARD', index) > count then more = 1 end
end

prune_age(t.idends, t.ids, now_ms)
prune_count(t.idends, t.ids, keep.idCount)
for _, state in ipairs({ 'completed', 'dead', 'cancelled' }) do
  prune_age(t[state], t.ended, now_ms - keep[state][1])
  prune_count(t[state], t.ended, keep[state][2])
end
return more
