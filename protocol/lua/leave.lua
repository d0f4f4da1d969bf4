#!lua flags=allow-oom
-- leave: a scheduler that stops is no sleeper any more, and its session is closed. Whoever sleeps
-- says so first without closing it: what it was handed until then has to go back.
-- keys   shard, session, then one sleepers set for each of its tasks
-- args   identity · 1 = its session is closed
-- since  protocol 1
-- @include lib/keys.lua
for k = SHARD_KEYS + 1, #KEYS do redis.call('SREM', KEYS[k], ARGV[1]) end
if ARGV[2] == '1' then redis.call('DEL', SESSION) end
return 1
