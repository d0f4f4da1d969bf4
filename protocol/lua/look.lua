#!lua flags=allow-oom
-- look: says what there is to do, or how long this scheduler may sleep; who sleeps is remembered.
-- keys   shard, session, then the sleepers sets of tasks for which the caller is not known to sleep
-- args   identity · sleepMs · number of tasks · their names · number of schedules · their ids
-- gives  { nowMs, waitMs, task indexes joined by ',', { fence, task … } expired, { id, nextAt,
-- definition record … } due, session known 1|0,
--          registered as a sleeper 1|0 }
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/note.lua
local MOST_EXPIRED, MOST_LEASES, MOST_DUE, KEEPERS_PER_MOMENT = 20, 100, 100, 2
local SLEEPERS_TTL_S, SESSION_TTL_S = 600, 86400

local identity, sleep_ms = ARGV[1], tonumber(ARGV[2])
local now_ms = now_us() / 1000
local task_count = tonumber(ARGV[3])
local schedule_count = tonumber(ARGV[4 + task_count])

local function slice(from, n)
  local out = {}
  for k = 1, n do out[k] = ARGV[from + k - 1] end
  return out
end

local names = slice(4, task_count)
local schedules = slice(5 + task_count, schedule_count)

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
        due[#due + 1] = { index = index, at = score }
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
      redis.call('HGET', LEASE, fence) or '', '^(%d+)|[^|]*|[%d ]*|(.*)$')
    local at = length and math.max(ends_at, grace_from + tonumber(length))
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
    if keeps(moment) then return moment.at - now_ms end
  end
  return sleep_ms
end

local function register_sleeper()
  for k = SHARD_KEYS + 1, #KEYS do
    local key = KEYS[k]
    redis.call('SADD', key, identity)
    redis.call('EXPIRE', key, SLEEPERS_TTL_S)
  end
end

local session_known = redis.call('EXPIRE', SESSION, SESSION_TTL_S)
local grace_from, next_note = note_time(now_ms)
local moments = {}
local drains = drains_until()
local ready = drains and {} or split_due(MOMENTS, names, 't', moments)
local due = split_due(CURSORS, schedules, 's', moments)
local expired, next_reap = {}, math.huge
if next_note then
  expired, next_reap = expired_leases(grace_from)
  -- Somebody has to note the time as long as leases stand, whatever the others sleep for.
  moments[#moments + 1] = { at = next_note, field = 'n' }
end
if next_reap < math.huge then moments[#moments + 1] = { at = next_reap, field = 'l' } end

local indexes, definitions = {}, {}
for k, entry in ipairs(ready) do indexes[k] = entry.index end
for k = 1, math.min(#due, MOST_DUE) do
  local id = schedules[due[k].index]
  local record = redis.call('HGET', SCHEDULES, id)
  if record then
    definitions[#definitions + 1] = id
    definitions[#definitions + 1] = due[k].at
    definitions[#definitions + 1] = record
  end
end

local wait_ms, registered = 0, '0'
if #indexes == 0 and #definitions == 0 and #expired == 0 then
  if not drains then
    register_sleeper()
    registered = '1'
  end
  wait_ms = math.min(sleep_ms, sleep_until(moments), drains and drains - now_ms or sleep_ms)
end
return {
  whole(math.floor(now_ms)), string.format('%.3f', math.max(0, wait_ms)),
  table.concat(indexes, ','), expired, definitions, tostring(session_known), registered,
}
