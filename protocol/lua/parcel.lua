#!lua flags=allow-oom
-- parcel: what becomes of a schedule that was given from here: it has arrived and is forgotten, or
-- it is put back. Nothing, if it was given again meanwhile, or may be taken in still by somebody
-- who was given it before.
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
if not parcel or parcel[1] ~= tonumber(ARGV[3]) then return 0 end
if ARGV[1] == 'arrived' then
  drop_parcel(id)
  note_left(id, now_ms)
elseif may_be_taken(parcel[3], now_ms) then
  return 0
else
  put_back(id)
  refresh_groups(nil)
end
return 1
