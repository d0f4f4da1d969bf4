#!lua flags=allow-oom
-- tend: compares a piece of all schedules with the index of their cursors, mends it, and names
-- those that need a scheduler's judgement. An urgent walk finds also those that lost their names.
-- keys   shard, session
-- args   urgent 1|0
-- gives  { nowMs, more 1|0, { { id, when it was given, since when it is a parcel, revision } … } of
--        those to be looked after, { id, revision … } of what was compared,
--        { id, task, definition, numbers as in schedule.lua, reason } … }
-- since  protocol 2
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/schedule.lua
-- @include lib/parcel.lua
-- @include lib/registrations.lua
-- @include lib/offers.lua
local PIECE, PIECE_BYTES, PAUSE_MS, DOUBT_MS = 60, 4 * 1024 * 1024, 50000, 60000
-- Twice as long as it may be taken in.
local PARCEL_MS, MOST_PARCELS, MOST_LEFT = 60000, 20, 300
local urgent, now_ms = ARGV[1] == '1', now_us() / 1000
local this = math.floor(now_ms)
local registrations = read_registrations()
local doubtful, compared = {}, {}

local function is_doubtful(s, til)
  if s.lost then return true end
  return s.code and not (s.paused_at and s.orphaned) and (til or 0) < now_ms - DOUBT_MS
end

local function mend_index(s)
  local right = wake_of(s)
  -- A lost cursor stays lost until somebody decides on it.
  if not s.lost and right ~= s.wake then write_state(s) end
  if not s.wake then return end
  if not redis.call('ZSCORE', CURSORS, s.member) then
    touch(s.group)
    redis.call('ZADD', CURSORS, 0, s.member)
    return
  end
  local first = tonumber(redis.call('ZSCORE', FIRING, s.group) or nil)
  if not first or first > s.wake then touch(s.group) end
end

local function tend(id, d)
  local f = redis.call('HMGET', SCHEDULES, 's' .. id, 'g' .. id)
  local s = parse_schedule(id, d, f[1])
  mend_index(s)
  compared[#compared + 1], compared[#compared + 2] = id, whole(s.revision)
  local til = registered_until(s, parse_offers(f[2]), registrations)
  if is_doubtful(s, til) then doubtful[#doubtful + 1] = describe_schedule(s, til) end
end

-- By their names, in order.
local function walk_names()
  local place = redis.call('HGET', META, 'tendFrom') or ''
  local from = place == '' and '[n' or '(' .. place
  local names = redis.call('ZRANGEBYLEX', CURSORS, from, '(o', 'LIMIT', 0, PIECE)
  for _, name in ipairs(names) do
    local id = string.sub(name, 2)
    local d = redis.call('HGET', SCHEDULES, 'd' .. id)
    if d then tend(id, d) else redis.call('ZREM', CURSORS, name) end
  end
  local last = #names == PIECE and names[PIECE] or ''
  redis.call('HSET', META, 'tendFrom', last, 'tendAt', whole(this))
end

-- By the definitions themselves. At its end what is in the index is what has to be there.
local function walk_definitions()
  local place, seen, bytes = redis.call('HGET', META, 'mendFrom') or '0', 0, 0
  local met = {}
  repeat
    local found = redis.call('HSCAN', SCHEDULES, place, 'COUNT', 30)
    place = found[1]
    for k = 1, #found[2], 2 do
      local field, text = found[2][k], found[2][k + 1]
      bytes = bytes + #text
      if string.sub(field, 1, 1) == 'd' and not met[field] then
        local id = string.sub(field, 2)
        met[field], seen = true, seen + 1
        redis.call('ZADD', CURSORS, 0, 'n' .. id)
        tend(id, text)
      end
    end
  until place == '0' or seen >= PIECE or bytes >= PIECE_BYTES
  if place ~= '0' then
    redis.call('HSET', META, 'mendFrom', place)
    return true
  end
  redis.call('HDEL', META, 'mendFrom')
  local names = redis.call('ZLEXCOUNT', CURSORS, '[n', '(o')
  local wakes = redis.call('ZCARD', CURSORS) - names
  redis.call('HSET', META, 'schedules', names, 'cursors', wakes)
  return false
end

-- True once: who comes after `begin_anew`, or where there never was a schedule, finds nothing lost.
local function is_key_lost()
  if redis.call('EXISTS', SCHEDULES) == 1 then return false end
  local counts = redis.call('HMGET', META, 'schedules', 'cursors')
  return redis.call('EXISTS', CURSORS, FIRING) > 0
    or tonumber(counts[1] or '0') > 0 or tonumber(counts[2] or '0') > 0
end

-- The records are gone with their key, and nobody can tell what was in them but those who register.
local function begin_anew()
  redis.call('DEL', CURSORS, FIRING)
  redis.call('HSET', META, 'schedules', 0, 'cursors', 0)
  redis.call('HDEL', META, 'mendFrom')
  raise_registrations()
end

local function is_time()
  local at = tonumber(redis.call('HGET', META, 'tendAt') or nil)
  return not at or at > now_ms or now_ms - at >= PAUSE_MS
end

local function old_parcels()
  local old = {}
  for id, parcel in pairs(read_parcels()) do
    local at = parcel[1]
    if #old < MOST_PARCELS and (now_ms - at >= PARCEL_MS or at > now_ms) then
      old[#old + 1] = { id, whole(at), whole(parcel[4]), whole(parcel_revision(id)) }
    end
  end
  return old
end

local more = false
if urgent and is_key_lost() then
  begin_anew()
elseif urgent then
  more = walk_definitions()
elseif is_time() then
  walk_names()
end
refresh_groups(nil)
forget_left(MOST_LEFT, now_ms)
return { whole(this), more and '1' or '0', old_parcels(), compared, unpack(doubtful) }
