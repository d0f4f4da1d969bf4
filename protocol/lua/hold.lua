#!lua flags=allow-oom
-- hold: told by a scheduler that knew other data here, or another run of the server: no schedule
-- fires for 5 s from now, once for each such change.
-- keys   shard, session
-- args   identity of the data and of the server's run, space-separated
-- gives  1 when the hold was set by this call, else 0
-- since  protocol 2
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/hold.lua
if redis.call('HGET', META, 'holdFor') == ARGV[1] then return 0 end
local til = math.floor(now_us() / 1000) + HOLD_MS
redis.call('HSET', META, 'holdFor', ARGV[1], 'holdTil', whole(til))
return 1
