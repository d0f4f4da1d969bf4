#!lua flags=allow-oom
-- respread: over how many shards tasks were spread from here, as others know. What is fixed here
-- stays; what is not was forgotten, and is again as it was, also where ids of callers stand.
-- keys   shard, session
-- args   the run of the server for which all other shards were asked, or '' · for each task: its
--        name, over how many shards
-- gives  for each over how many it is spread
-- since  protocol 4
-- @include lib/keys.lua
local answer = {}
for k = 2, #ARGV, 2 do
  local field, over = 'spread ' .. ARGV[k], ARGV[k + 1]
  if redis.call('HSETNX', META, field, over) == 1 then
    -- As in spread.lua: looks tell of it.
    redis.call('HINCRBY', META, 'spreads', 1)
  end
  answer[#answer + 1] = redis.call('HGET', META, field)
end
if ARGV[1] ~= '' then redis.call('HSET', META, 'spreadsOf', ARGV[1]) end
return answer
