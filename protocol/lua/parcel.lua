#!lua flags=allow-oom
-- parcel: what becomes of a schedule that was given from here: it has arrived and is forgotten, or
-- it is put back: by the last one that was given it and has not said so yet, or is out of time.
-- keys   shard, session
-- args   arrived or back · schedule id · when it was given, as give or tend has told
-- gives  1, or 0: nothing was done
-- since  protocol 3
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/schedule.lua
-- @include lib/parcel.lua
local id = ARGV[2]
local parcel, now_ms = read_parcels()[id], now_us() / 1000
local at = tonumber(ARGV[3])

-- This one will not come with it. False: it was not given it, or that is settled.
local function settle()
  for k, one in ipairs(parcel[3]) do
    if one == at then
      table.remove(parcel[3], k)
      write_parcels()
      return true
    end
  end
  return parcel[1] == at
end

if not parcel then return 0 end
if ARGV[1] == 'arrived' then
  if parcel[1] ~= at then return 0 end
  drop_parcel(id)
  note_left(id, now_ms)
elseif not settle() or #open_gives(parcel, now_ms) > 0 then
  return 0
else
  put_back(id)
  refresh_groups(nil)
end
return 1
