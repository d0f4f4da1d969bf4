#!lua flags=allow-oom
-- counts: how many jobs of a task are in each state, and how many have ended so far.
-- keys   shard, session, the group of the task
-- args   task name
-- gives  { scheduled, records ready or running, running, completed, dead, cancelled kept, { totals
-- } }
-- since  protocol 1
-- @include lib/keys.lua
-- @include lib/bundle.lua
local t = task_keys(1, ARGV[1])
local names = { 'pushed', 'completed', 'dead', 'cancelled', 'failures', 'crashes', 'dropped' }
local totals = redis.call('HMGET', t.stats, unpack(names))
for k = 1, #names do totals[k] = totals[k] or '0' end
local b = bundles_of(t) or { jobs = 0, running = 0 }
return {
  redis.call('HLEN', t.later), redis.call('HLEN', t.jobs) + b.jobs,
  redis.call('SCARD', t.claimed) + math.max(0, b.running),
  redis.call('ZCARD', t.completed), redis.call('ZCARD', t.dead), redis.call('ZCARD', t.cancelled),
  totals,
}
