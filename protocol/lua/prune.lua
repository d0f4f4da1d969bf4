#!lua flags=allow-oom
-- prune: deletes what is past its keeping time or count, a bounded piece, and sets right when the
-- tasks have to be looked at next: a hint that was lost does no lasting harm.
-- keys   shard, session, then the groups of the tasks named
-- args   keep rules (8) · tasks: number, names
-- gives  the indexes of those that have more, by ',': of several, each has a part of the piece
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/job.lua
-- @include lib/moment.lua
local MOST, LEAST = 250, 2
local keep, task_count = keep_rules(1), tonumber(ARGV[KEEP_ARGS + 1])
local most = math.max(LEAST, math.floor(MOST / task_count))
local now_ms = now_us() / 1000

-- By age: not counted as dropped, its time had come. Says whether there is more.
local function prune_age(index, hash, before_ms)
  local before = whole(math.floor(before_ms))
  local old = redis.call('ZRANGEBYSCORE', index, '-inf', before, 'LIMIT', 0, most)
  if #old == 0 then return false end
  redis.call('HDEL', hash, unpack(old))
  redis.call('ZREM', index, unpack(old))
  return #old == most
end

local function prune_count(t, index, hash, count)
  bound(index, hash, count, t.stats, most)
  return redis.call('ZCARD', index) > count
end

local function prune_task(t)
  if redis.call('EXISTS', t.idends, t.completed, t.dead, t.cancelled) == 0 then return false end
  local more = prune_age(t.idends, t.ids, now_ms)
  more = prune_count(t, t.idends, t.ids, keep.idCount) or more
  for _, state in ipairs({ 'completed', 'dead', 'cancelled' }) do
    more = prune_age(t[state], t.ended, now_ms - keep[state][1]) or more
    more = prune_count(t, t[state], t.ended, keep[state][2]) or more
  end
  return more
end

local left = {}
for k = 1, task_count do
  local t = task_keys(k, ARGV[KEEP_ARGS + 1 + k])
  heal_moment(t, now_ms)
  if prune_task(t) then left[#left + 1] = k end
end
return table.concat(left, ',')
