#!lua flags=allow-oom
-- resync: closes a lane's epoch (late arrivals of it are refused), says which of its calls ran last
-- and with
-- what answers, and opens the next one at call 1. Asked again with the same epoch it answers the
-- same.
-- keys   shard, session
-- args   lane · the new epoch
-- gives  { known 1|0, last number, answer of number%4 = 0, 1, 2, 3 }
-- since  protocol 1
-- @include lib/keys.lua
-- @include lib/call.lua
local lane, epoch = ARGV[1], ARGV[2]
local stored = redis.call('HGET', SESSION, lane .. ':epoch')
-- One that was asked long ago and comes only now must not open an epoch that is over.
if stored and tonumber(stored) > tonumber(epoch) then
  return redis.error_reply('SMQEPOCH a later epoch is open')
end
-- A store that has gone back in time (a snapshot, a replica that was behind) knows calls of an
-- epoch before the caller's last one: their numbers and answers are not of those asked about.
local known = stored and tonumber(stored) == tonumber(epoch) - 1 and '1' or '0'
if stored ~= epoch then
  local last = redis.call('HGET', SESSION, lane .. ':seq') or '0'
  redis.call('HSET', SESSION, lane .. ':epoch', epoch, lane .. ':seq', '0')
  redis.call('HSET', SESSION, lane .. ':last', last, lane .. ':known', known)
  -- Of a scheduler that only pushes, an hour is enough; each push makes it an hour again.
  local ttl_s = lane == 'push' and 3600 or 86400
  if redis.call('TTL', SESSION) < ttl_s then redis.call('EXPIRE', SESSION, ttl_s) end
else
  known = redis.call('HGET', SESSION, lane .. ':known') or '0'
end
local reply = { known, redis.call('HGET', SESSION, lane .. ':last') or '0' }
for k = 0, KEPT_ANSWERS - 1 do
  reply[#reply + 1] = redis.call('HGET', SESSION, lane .. ':answer' .. k) or ''
end
return reply
