#!lua flags=allow-oom
-- spread: over how many shards tasks are spread that have their home here. Fixed by whoever asks
-- first with a wish; not where jobs with ids of their callers stand already, which would be looked
-- for elsewhere.
-- keys   shard, session, the groups of the tasks
-- args   number of tasks · their names · for each: a wish (a whole number), or ''
-- gives  for each: what is in force, or '', or 'used': there are such jobs, nothing was fixed
-- since  protocol 4
-- @include lib/keys.lua
local count, fields, answer = tonumber(ARGV[1]), {}, {}
for k = 1, count do fields[k] = 'spread ' .. ARGV[1 + k] end
local known = redis.call('HMGET', META, unpack(fields))
for k = 1, count do
  local wish = ARGV[1 + count + k]
  answer[k] = known[k] or ''
  if not known[k] and wish ~= '' then
    local t = task_keys(k, ARGV[1 + k])
    if wish ~= '1' and redis.call('EXISTS', t.ids) == 1 then
      answer[k] = 'used'
    else
      redis.call('HSET', META, fields[k], wish)
      -- Looks tell of it: schedulers that have bound the task ask what is in force.
      if wish ~= '1' then redis.call('HINCRBY', META, 'spreads', 1) end
      answer[k] = wish
    end
  end
end
return answer
