#!lua flags=allow-oom
-- look: says what there is to do, or how long this scheduler may sleep; who sleeps is remembered.
-- keys   shard, session, then the sleepers sets of tasks for which the caller is not known to sleep
-- args   identity · sleepMs · set that it has registered or '' · leaseMs of that · then what it
--        asks for: 'i' and an idle task, 'f' and a task whose schedules it can fire, 'b' and one
--        that is both, 'l' and the id of a local schedule that it can fire; a capital letter where
--        the caller is not known to watch these schedules
-- gives  { nowMs, waitMs, places of tasks joined by ',', { fence, task … } expired, { id, task,
--        definition, numbers as in schedule.lua, pause's reason } … due, session known 1|0,
--        registered as a sleeper 1|0, registrations, repair 1|0,
--          complete 1|0, the task of which something is due after waitMs or '', how many tasks
--        are spread from here, where any are }
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/note.lua
-- @include lib/handed.lua
-- @include lib/due.lua
-- @include lib/hold.lua
-- @include lib/wake-firer.lua
local MOST_EXPIRED, MOST_LEASES, KEEPERS_PER_MOMENT = 20, 100, 2
local SLEEPERS_TTL_S, SESSION_TTL_S = 600, 86400

local identity, sleep_ms = ARGV[1], tonumber(ARGV[2])
local now_ms = now_us() / 1000
local set, set_lease_ms = ARGV[3], tonumber(ARGV[4])

-- Idle tasks with their places among all that is named; groups that can be fired, and those of them
-- that are watched from now on.
local names, places, groups, watched = {}, {}, {}, {}
for k = 5, #ARGV do
  local flag, name = string.sub(ARGV[k], 1, 1), string.sub(ARGV[k], 2)
  local kind = string.lower(flag)
  if kind == 'i' or kind == 'b' then
    names[#names + 1], places[#places + 1] = name, k - 4
  end
  if kind ~= 'i' then
    groups[#groups + 1] = (kind == 'l' and 's' or 't') .. #name .. ':' .. name
    if flag ~= kind then watched[#watched + 1] = groups[#groups] end
  end
end

-- Whoever drains for a job that must run alone has nothing else to do until then.
local function drains_until()
  local m = redis.call('HMGET', META, 'aloneBy', 'aloneTil')
  if m[1] == identity and tonumber(m[2]) > now_ms then return tonumber(m[2]) end
end

-- Members of a ZSET that are due, and the moments of the others.
local function split_due(key, members, prefix, moments)
  local due = {}
  if #members == 0 then return due end
  for from = 1, #members, 1000 do
    local to = math.min(from + 999, #members)
    local scores = redis.call('ZMSCORE', key, unpack(members, from, to))
    for k, score in ipairs(scores) do
      local at, index = tonumber(score or nil), from + k - 1
      if at and at <= now_ms then
        due[#due + 1] = index
      elseif at and at <= now_ms + sleep_ms then
        moments[#moments + 1] = { at = at, field = prefix .. members[index] }
      end
    end
  end
  return due
end

-- Leases that may be reaped, and when the next one may be.
local function expired_leases(grace_from)
  local out, next_at = {}, math.huge
  local first = redis.call('ZRANGE', LEASES, 0, MOST_LEASES - 1, 'WITHSCORES')
  for k = 1, #first, 2 do
    local fence, ends_at = first[k], tonumber(first[k + 1])
    if ends_at > now_ms + sleep_ms or #out >= 2 * MOST_EXPIRED then break end
    local length, task = string.match(
      redis.call('HGET', LEASE, fence) or '', '^(%d+)|[^|]*|[^|]*|(.*)$')
    local at = length and math.max(ends_at, grace_from + grace_of(length))
    if not length then
      redis.call('ZREM', LEASES, fence)
    elseif at <= now_ms then
      out[#out + 1] = fence
      out[#out + 1] = task
    else
      next_at = math.min(next_at, at)
    end
  end
  return out, next_at
end

-- A moment is kept by at most two sleepers; the others sleep on. A keeper that died costs one long
-- sleep.
local function keeps(moment)
  local at = whole(moment.at)
  local text = redis.call('HGET', KEEPERS, moment.field)
  local stored, who = string.match(text or '', '^(%d+)(.*)$')
  if stored ~= at then
    redis.call('HSET', KEEPERS, moment.field, at .. ' ' .. identity)
    return true
  end
  if string.find(who, identity, 1, true) then return true end
  local _, n = string.gsub(who, ' ', ' ')
  if n >= KEEPERS_PER_MOMENT then return false end
  redis.call('HSET', KEEPERS, moment.field, text .. ' ' .. identity)
  return true
end

local function sleep_until(moments)
  table.sort(moments, function(a, b) return a.at < b.at end)
  for _, moment in ipairs(moments) do
    if keeps(moment) then
      local is_task = string.sub(moment.field, 1, 1) == 't'
      return moment.at - now_ms, is_task and string.sub(moment.field, 2) or ''
    end
  end
  return sleep_ms, ''
end

local function register_sleeper()
  for k = SHARD_KEYS + 1, #KEYS do
    local key = KEYS[k]
    redis.call('SADD', key, identity)
    redis.call('EXPIRE', key, SLEEPERS_TTL_S)
  end
  for _, group in ipairs(watched) do watch_group(group, identity) end
end

-- Due schedules. While the store is held nobody fires: its end is the moment of those that are due.
local function look_for_schedules(moments)
  local due = split_due(FIRING, groups, 'f', moments)
  local til = #groups > 0 and held_until(now_ms)
  if til then
    moments[#moments + 1] = { at = til, field = 'h' }
    return {}, false
  end
  if #due == 0 then return {}, true end
  for k, index in ipairs(due) do due[k] = groups[index] end
  return due_schedules(due, now_ms)
end

local session_known = redis.call('EXPIRE', SESSION, SESSION_TTL_S)
local grace_from, next_note = note_time(now_ms)
if set ~= '' then
  note_registrations(set_lease_ms, now_ms)
  renew_set(set, set_lease_ms, now_ms)
  judge_registrations(now_ms)
end
local moments = {}
local drains = drains_until()
local ready = drains and {} or split_due(MOMENTS, names, 't', moments)
local due, complete = look_for_schedules(moments)
local expired, next_reap = {}, math.huge
if next_note then
  expired, next_reap = expired_leases(grace_from)
  -- Somebody has to note the time as long as leases stand, whatever the others sleep for.
  moments[#moments + 1] = { at = next_note, field = 'n' }
end
if next_reap < math.huge then moments[#moments + 1] = { at = next_reap, field = 'l' } end

local news = redis.call(
  'HMGET', META, 'schedules', 'cursors', 'mendFrom', 'registrations', 'spreads')
local indexes = {}
for k, index in ipairs(ready) do indexes[k] = places[index] end

local wait_ms, registered, next_task = 0, '0', ''
if #indexes == 0 and #due == 0 and #expired == 0 then
  if not drains then
    register_sleeper()
    registered = '1'
  end
  local until_moment, task = sleep_until(moments)
  wait_ms = math.min(sleep_ms, until_moment, drains and drains - now_ms or sleep_ms)
  if wait_ms == until_moment then next_task = task end
end
return {
  whole(math.floor(now_ms)), exact(math.max(0, wait_ms)),
  table.concat(indexes, ','), expired, due, tostring(session_known), registered,
  news[4] or '0', needs_repair(news) and '1' or '0', complete and '1' or '0',
  next_task, news[5] or nil,
}
