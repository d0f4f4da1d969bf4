#!lua flags=allow-oom
-- gone: notes that a schedule was removed while a shard was away, which may have a parcel of it, or
-- says what is known here of a schedule that another shard has given, or drops a parcel of one that
-- was removed.
-- keys   shard, session
-- args   note, ask or drop · schedule id · if asked: since when it is a parcel; if dropped: when it
--        was removed
-- gives  here: it is; gone: it was removed since; else ''
-- since  protocol 4
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/schedule.lua
-- @include lib/parcel.lua
-- The oldest go first.
local MOST, AGE_MS = 200, 7 * 86400000
local id, this = ARGV[2], math.floor(now_us() / 1000)
local gone = cjson.decode(redis.call('HGET', META, 'gone') or '{}')
if ARGV[1] == 'ask' then
  if redis.call('HEXISTS', SCHEDULES, 'd' .. id) == 1 then return 'here' end
  return (gone[id] or 0) >= tonumber(ARGV[3]) and 'gone' or ''
end
if ARGV[1] == 'drop' then
  local parcel = read_parcels()[id]
  if parcel and parcel[4] <= tonumber(ARGV[3]) then drop_parcel(id) end
  return ''
end
gone[id] = this
local ids = {}
for one, at in pairs(gone) do
  if this - at > AGE_MS then gone[one] = nil else ids[#ids + 1] = one end
end
table.sort(ids, function(a, b) return gone[a] > gone[b] end)
for k = MOST + 1, #ids do gone[ids[k]] = nil end
redis.call('HSET', META, 'gone', cjson.encode(gone))
return ''
