-- parcel: a schedule that was given to another shard and is not known to have arrived there. It
-- does not fire: its fields stand under their letters in capitals, and `X` names all parcels with
-- { when each was given, to which shard, when it was given before that }.
-- Whoever it was given to takes it in within so long, or never.
local TAKEN_IN_MS = 30000

local function read_parcels()
  local parcels = cjson.decode(redis.call('HGET', SCHEDULES, 'X') or '{}')
  -- The version before kept only when it was given: to whom is not known.
  for id, one in pairs(parcels) do
    if type(one) == 'number' then parcels[id] = { one, '', 0 } end
  end
  return parcels
end

local function write_parcels(parcels)
  if next(parcels) == nil then
    redis.call('HDEL', SCHEDULES, 'X')
  else
    redis.call('HSET', SCHEDULES, 'X', cjson.encode(parcels))
  end
end

-- Whoever was given something then may take it in still.
local function may_be_taken(given_at, now_ms)
  return math.abs(now_ms - given_at) < TAKEN_IN_MS
end

-- It may be taken in by another shard than this one.
local function is_moving(id, to, now_ms)
  local parcel = read_parcels()[id]
  return parcel ~= nil and parcel[2] ~= to and may_be_taken(parcel[1], now_ms)
end

-- It has arrived elsewhere: noted for as long as somebody may come with what was heard before.
local function note_left(id, now_ms)
  local left = cjson.decode(redis.call('HGET', META, 'left') or '{}')
  for one, at in pairs(left) do
    if not may_be_taken(at, now_ms) then left[one] = nil end
  end
  left[id] = math.floor(now_ms)
  redis.call('HSET', META, 'left', cjson.encode(left))
end

local function has_left_since(id, asked_at, now_ms)
  local left = redis.call('HGET', META, 'left')
  local at = left and cjson.decode(left)[id] or 0
  return at > asked_at and may_be_taken(at, now_ms)
end

-- In the order of KINDS_OF_FIELDS, '' where there is none; nil: no such parcel.
local function parcel_fields(id)
  if redis.call('HEXISTS', SCHEDULES, 'D' .. id) == 0 then return nil end
  local fields = {}
  for k, letter in ipairs(KINDS_OF_FIELDS) do
    fields[k] = redis.call('HGET', SCHEDULES, string.upper(letter) .. id) or ''
  end
  return fields
end

local function drop_parcel(id)
  for _, letter in ipairs(KINDS_OF_FIELDS) do
    redis.call('HDEL', SCHEDULES, string.upper(letter) .. id)
  end
  local parcels = read_parcels()
  parcels[id] = nil
  write_parcels(parcels)
end

-- A schedule as it was in another shard, or before it was given; its task is still that of then.
local function take_in(id, fields)
  if redis.call('HEXISTS', SCHEDULES, 'd' .. id) == 1 then return nil end
  for k, letter in ipairs(KINDS_OF_FIELDS) do
    if fields[k] ~= '' then redis.call('HSET', SCHEDULES, letter .. id, fields[k]) end
  end
  add_name(id)
  local s = read_schedule(id)
  -- Nothing of the index is here yet.
  s.member = nil
  write_state(s)
  return s
end

-- What was given from here stays here after all; nil: there is no parcel.
local function put_back(id)
  local fields = parcel_fields(id)
  if not fields then return nil end
  drop_parcel(id)
  return take_in(id, fields)
end
