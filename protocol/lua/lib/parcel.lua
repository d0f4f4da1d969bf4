-- parcel: a schedule that was given to another shard and is not known to have arrived there. It
-- does not fire: its fields stand under their letters in capitals, and `X` names all parcels with
-- { when each was given, to which shard, when to those who may come with it still, since when it
-- is one }.
-- Whoever it was given to takes it in within so long, or never.
local TAKEN_IN_MS = 30000

-- Read once, since nobody else comes between.
local parcels = nil
local function read_parcels()
  if parcels then return parcels end
  parcels = cjson.decode(redis.call('HGET', SCHEDULES, 'X') or '{}')
  -- Versions before kept only when it was given: to whom is not known; then the last two times.
  for id, one in pairs(parcels) do
    if type(one) == 'number' then one = { one, '' } end
    if type(one[3]) ~= 'table' then one[3] = { one[3] or 0, one[1] } end
    one[4] = one[4] or one[1]
    parcels[id] = one
  end
  return parcels
end

local function write_parcels()
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

-- Of those who were given it, when each was who may take it in still.
local function open_gives(parcel, now_ms)
  local open = {}
  for _, at in ipairs(parcel[3]) do
    if may_be_taken(at, now_ms) then open[#open + 1] = at end
  end
  return open
end

-- It may be taken in by another shard than this one.
local function is_moving(id, to, now_ms)
  local parcel = read_parcels()[id]
  return parcel ~= nil and parcel[2] ~= to and may_be_taken(parcel[1], now_ms)
end

-- Of those that have left, the oldest `most` that need not be known any more.
local function forget_left(most, now_ms)
  local m = redis.call('HMGET', META, 'leftFrom', 'leftTo')
  local from, to = tonumber(m[1] or '0'), tonumber(m[2] or '0')
  if to == 0 then return end
  local last = math.min(from + most, to)
  while from < last do
    local place = 'leftAs ' .. whole(from + 1)
    local at, id = string.match(redis.call('HGET', META, place) or '', '^(%d+) (.*)$')
    if at and may_be_taken(tonumber(at), now_ms) then break end
    redis.call('HDEL', META, place)
    -- It may have left once more since.
    if id and redis.call('HGET', META, 'left ' .. id) == at then
      redis.call('HDEL', META, 'left ' .. id)
    end
    from = from + 1
  end
  if from == to then
    redis.call('HDEL', META, 'leftFrom', 'leftTo')
  else
    redis.call('HSET', META, 'leftFrom', whole(from))
  end
end

-- It has arrived elsewhere: noted for as long as somebody may come with what was heard before. A
-- field for each, since a deploy may move thousands, and their order beside them.
local function note_left(id, now_ms)
  local at = whole(math.floor(now_ms))
  forget_left(2, now_ms)
  local place = 'leftAs ' .. whole(redis.call('HINCRBY', META, 'leftTo', 1))
  redis.call('HSET', META, 'left ' .. id, at, place, at .. ' ' .. id)
end

local function has_left_since(id, asked_at, now_ms)
  local at = tonumber(redis.call('HGET', META, 'left ' .. id) or '0')
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

-- Each move makes it rise: of two parcels the one of the higher revision is newer.
local function parcel_revision(id)
  return tonumber(string.match(redis.call('HGET', SCHEDULES, 'D' .. id) or '', '^%d+')) or 0
end

local function drop_parcel(id)
  local fields = {}
  for k, letter in ipairs(KINDS_OF_FIELDS) do fields[k] = string.upper(letter) .. id end
  redis.call('HDEL', SCHEDULES, unpack(fields))
  if not read_parcels()[id] then return end
  read_parcels()[id] = nil
  write_parcels()
end

-- A schedule as it was in another shard, or before it was given; its task is still that of then.
-- A parcel that was here is its past.
local function take_in(id, fields)
  drop_parcel(id)
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
  return fields and take_in(id, fields)
end
