#!lua flags=allow-oom
-- gone: notes that a schedule was removed while a shard was away, which may have a parcel of it, or
-- says what is known here of a schedule that another shard has given, or has alive, or drops a
-- parcel of one that was removed.
-- keys   shard, session
-- args   note · schedule id; or ask · schedule id · since when it is a parcel · from which revision
--        on a parcel here is newer; or drop · schedule id · when it was removed; or twins · for
--        each: schedule id · from which revision on it counts
-- gives  asked: here: it is; gone: it was removed since; wait: a newer parcel is here, or it left
--        lately for a shard that may have been asked before; else ''. Of twins the ids of those
--        that are here, too, with such a revision
-- since  protocol 4
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/schedule.lua
-- @include lib/parcel.lua
-- The oldest go first.
local MOST, AGE_MS = 200, 7 * 86400000
local id, this = ARGV[2], math.floor(now_us() / 1000)
if ARGV[1] == 'twins' then
  local found = {}
  for k = 2, #ARGV, 2 do
    local s = read_schedule(ARGV[k])
    if s and s.revision >= tonumber(ARGV[k + 1]) then found[#found + 1] = ARGV[k] end
  end
  return found
end
local gone = cjson.decode(redis.call('HGET', META, 'gone') or '{}')
if ARGV[1] == 'ask' then
  if redis.call('HEXISTS', SCHEDULES, 'd' .. id) == 1 then return 'here' end
  if (gone[id] or 0) >= tonumber(ARGV[3]) then return 'gone' end
  local is_newer = read_parcels()[id] and parcel_revision(id) >= tonumber(ARGV[4])
  return (is_newer or has_left_since(id, 0, this)) and 'wait' or ''
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
