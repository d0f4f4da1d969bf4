#!lua flags=allow-oom
-- spreads: notes which tasks are spread that have their home in another shard, and tells it. That
-- one may forget it: a failover undoes what was written last.
-- keys   shard, session
-- args   the home · for each task that is news: its name, over how many shards
-- gives  for each that is known: its name, over how many shards
-- since  protocol 4
-- @include lib/keys.lua
local field, news = 'spreads ' .. ARGV[1], false
local known = cjson.decode(redis.call('HGET', META, field) or '{}')
for k = 2, #ARGV, 2 do
  local task, over = ARGV[k], ARGV[k + 1]
  if known[task] ~= over then known[task], news = over, true end
end
if news then redis.call('HSET', META, field, cjson.encode(known)) end
local told = {}
for task, over in pairs(known) do
  told[#told + 1], told[#told + 2] = task, over
end
return told
