#!lua flags=allow-oom
-- remove: forgets a schedule with its ledger, unless a live scheduler registers it.
-- keys   shard, session
-- args   schedule id · revision or ''
-- gives  removed, live, changed or unknown
-- since  protocol 2
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/schedule.lua
-- @include lib/parcel.lua
-- @include lib/registrations.lua
-- @include lib/offers.lua
local s, revision, now_ms = read_schedule(ARGV[1]), tonumber(ARGV[2]), now_us() / 1000
if not s and not revision and parcel_fields(ARGV[1]) then
  drop_parcel(ARGV[1])
  return 'removed'
end
if not s then return 'unknown' end
local offer = s.code and offer_of(read_offers(s.id), s.digest)
if has_live(read_registrations(), offer, now_ms) then return 'live' end
if revision and s.revision ~= revision then return 'changed' end
forget_schedule(s)
return 'removed'
