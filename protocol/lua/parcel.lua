#!lua flags=allow-oom
-- parcel: what becomes of a schedule that was given from here: it has arrived and is forgotten, or
-- it is put back, by whoever knows that it can be nowhere else.
-- keys   shard, session
-- args   arrived or back · schedule id · when it was given, as give or tend has told · if all other
--        shards were asked for it and none has it: by this shard's clock, since when; else ''
-- gives  1, or 0: nothing was done
-- since  protocol 3
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/schedule.lua
-- @include lib/parcel.lua
local id = ARGV[2]
local parcel, now_ms = read_parcels()[id], now_us() / 1000
local at, asked_since = tonumber(ARGV[3]), tonumber(ARGV[4])

-- This one will not come with it. Gives how many were given it before who have not said so; nil: it
-- was not given it, or that is settled.
local function settle()
  for k, one in ipairs(parcel[3]) do
    if one == at then
      table.remove(parcel[3], k)
      write_parcels()
      return k - 1
    end
  end
  return parcel[1] == at and #parcel[3] or nil
end

-- Whoever was given it later may have taken it in since it was looked for, whoever was given it
-- before only in time: asked after that, the others would have said so.
local function may_be_elsewhere(before)
  if #parcel[3] > before or (before > 0 and not asked_since) then return true end
  for k = 1, before do
    if may_be_taken(parcel[3][k], asked_since) then return true end
  end
  return false
end

if not parcel then return 0 end
if ARGV[1] == 'arrived' then
  if parcel[1] ~= at then return 0 end
  drop_parcel(id)
  note_left(id, now_ms)
else
  local before = settle()
  if not before or may_be_elsewhere(before) then return 0 end
  put_back(id)
  refresh_groups(nil)
end
return 1
