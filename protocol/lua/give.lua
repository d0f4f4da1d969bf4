#!lua flags=allow-oom
-- give: hands out schedules with all that they have: whoever registers them for a task of another
-- shard takes them in there. Here a parcel stays of each, until it is known to have arrived. What
-- may not move yet stays. Without ids it only tells the time.
-- keys   shard, session
-- args   1 for definitions of code, 0 for run-time ones · the shard that asks · schedule ids
-- gives  { nowMs, for each that is here { id, given, again, moving, left, conflict or due,
--        revision, cursor or '', then if given or again its fields d s p o b f u g, '' where there
--        is none }, for each of which that is noted { id, gone, when it was removed, '' } }; again:
--        it was a parcel already, and may be alive where that went, its revision is since when;
--        moving: another shard may take it in still, its revision is how often it may; left: it is
--        not here, but was until lately
-- since  protocol 3
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/schedule.lua
-- @include lib/parcel.lua
-- @include lib/registrations.lua
-- @include lib/offers.lua
-- Who may come with what was given: so many at once.
local MOST_OPEN = 20
local code, to, now_ms = ARGV[1] == '1', ARGV[2], now_us() / 1000
local this, has_given = math.floor(now_ms), false
local live = read_registrations()

-- The same that register asks where both tasks are in one shard.
local function outcome_for(s)
  if code and not s.code then return 'conflict' end
  local offer = s.code and offer_of(read_offers(s.id), s.digest)
  if has_live(live, offer, now_ms) then return 'conflict' end
  if s.next_at and s.next_at + s.jitter <= now_ms then return 'due' end
  return 'given'
end

local function pack(s)
  for _, letter in ipairs(KINDS_OF_FIELDS) do
    local text = redis.call('HGET', SCHEDULES, letter .. s.id)
    if text then redis.call('HSET', SCHEDULES, string.upper(letter) .. s.id, text) end
  end
  forget_schedule(s)
end

-- Whoever it was given to may be gone: then whoever asks next is given it.
local function give(id, outcome)
  local before = read_parcels()[id]
  local open = before and open_gives(before, now_ms) or {}
  local since = outcome == 'again' and before and before[4] or this
  open[#open + 1] = this
  read_parcels()[id] = { this, to, open, since }
  has_given = true
  return { id, outcome, whole(since), '', unpack(parcel_fields(id)) }
end

local function how_often(id)
  return #open_gives(read_parcels()[id], now_ms) > 1 and '2' or '1'
end

local function is_given_often(id)
  local parcel = read_parcels()[id]
  return parcel and #open_gives(parcel, now_ms) >= MOST_OPEN
end

local gone = cjson.decode(redis.call('HGET', META, 'gone') or '{}')
local found = { whole(this) }
for k = 3, #ARGV do
  local id = ARGV[k]
  local s = read_schedule(id)
  local outcome = s and outcome_for(s)
  if outcome == 'given' then pack(s) end
  if outcome == 'conflict' or outcome == 'due' then
    found[#found + 1] = { id, outcome, whole(s.revision), s.next_at and whole(s.next_at) or '' }
  elseif not s and (is_moving(id, to, now_ms) or is_given_often(id)) then
    found[#found + 1] = { id, 'moving', how_often(id), '' }
  elseif s or parcel_fields(id) then
    found[#found + 1] = give(id, outcome or 'again')
  elseif has_left_since(id, 0, now_ms) then
    found[#found + 1] = { id, 'left', '0', '' }
  end
  if gone[id] then found[#found + 1] = { id, 'gone', whole(gone[id]), '' } end
end
if has_given then write_parcels() end
return found
