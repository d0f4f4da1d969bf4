#!lua flags=allow-oom
-- open: says (on an empty store: decides) what kind of data this is. Called on shard 0 before
-- anything else.
-- keys   shard, session, layout
-- args   layout version of the caller · shards wanted · a random identity for a new store
-- gives  { layout version, shards, identity of the store, nowMs, the run of the server for which
--        the other shards were asked how tasks are spread from here, or '' }
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/lift.lua
local layout = KEYS[SHARD_KEYS + 1]
if redis.call('HSETNX', layout, 'version', ARGV[1]) == 1 then
  redis.call('HSET', layout, 'shards', ARGV[2], 'born', ARGV[3])
end
lift_layout(layout)
local l = redis.call('HMGET', layout, 'version', 'shards', 'born')
local asked = redis.call('HGET', META, 'spreadsOf') or ''
return { l[1] or '', l[2] or '', l[3] or '', whole(math.floor(now_us() / 1000)), asked }
