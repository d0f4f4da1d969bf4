-- wake-firer: who is told when a cursor is nearer than its group knew. Field `f<group>` of keepers
-- says who keeps the group's moment; `w<group>` names two others that can fire it.
local MOST_WATCHERS = 2

local function watch_group(group, identity)
  local text = redis.call('HGET', KEEPERS, 'w' .. group) or ''
  if string.find(text, identity, 1, true) then return end
  local watchers = identity
  for watcher in string.gmatch(text, '%S+') do
    local _, n = string.gsub(watchers, '%S+', '')
    if n < MOST_WATCHERS then watchers = watchers .. ' ' .. watcher end
  end
  redis.call('HSET', KEEPERS, 'w' .. group, watchers)
end

-- All keepers, else the first watcher that hears it. They go on sleeping for it if they like.
local function wake_firer(group)
  local heard = 0
  for keeper in string.gmatch(redis.call('HGET', KEEPERS, 'f' .. group) or '', ' (%S+)') do
    heard = heard + redis.call('PUBLISH', CHANNEL .. keeper, 'l')
  end
  if heard > 0 then return end
  for watcher in string.gmatch(redis.call('HGET', KEEPERS, 'w' .. group) or '', '%S+') do
    if redis.call('PUBLISH', CHANNEL .. watcher, 'l') > 0 then return end
  end
  redis.call('HDEL', KEEPERS, 'w' .. group)
end
