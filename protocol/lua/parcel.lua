#!lua flags=allow-oom
-- parcel: what becomes of a schedule that was given from here: it has arrived and is forgotten, or
-- it is put back. Nothing, if it was given again meanwhile.
-- keys   shard, session
-- args   arrived or back · schedule id · when it was given, as give or tend has told
-- gives  1, or 0: no such parcel
-- since  protocol 3
-- @include lib/keys.lua
-- @include lib/schedule.lua
-- @include lib/parcel.lua
local id = ARGV[2]
if read_parcels()[id] ~= tonumber(ARGV[3]) then return 0 end
if ARGV[1] == 'arrived' then
  drop_parcel(id)
else
  put_back(id)
  refresh_groups(nil)
end
return 1
