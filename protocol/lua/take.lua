#!lua flags=allow-oom
-- take: takes in a schedule that another shard has given, as it was there; its task is still the
-- old one, until it is registered for a task of this shard.
-- keys   shard, session
-- args   schedule id · its fields d s p o b f u g, '' where there is none
-- gives  1, or 0 when one of that id is here already
-- since  protocol 3
-- @include lib/keys.lua
-- @include lib/schedule.lua
local id = ARGV[1]
if redis.call('HEXISTS', SCHEDULES, 'd' .. id) == 1 then return 0 end
for k, letter in ipairs(KINDS_OF_FIELDS) do
  if ARGV[k + 1] ~= '' then redis.call('HSET', SCHEDULES, letter .. id, ARGV[k + 1]) end
end
add_name(id)
local s = read_schedule(id)
-- Nothing of the index is here yet.
s.member = nil
write_state(s)
refresh_groups(nil)
return 1
