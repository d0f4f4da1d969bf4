#!lua flags=allow-oom
-- leave: a scheduler that stops is no sleeper any more; its session is closed.
-- keys   shard, session, then one sleepers set for each of its tasks
-- args   identity
-- since  protocol 1
-- @include lib/keys.lua
for k = SHARD_KEYS + 1, #KEYS do redis.call('SREM', KEYS[k], ARGV[1]) end
redis.call('DEL', SESSION)
return 1
