-- lift: what a newer layout makes of an older one. Schedules of layout 1 are forgotten: those that
-- programs register come back with them. Keys: see PROTOCOL.md.
local function lift_layout(layout)
  if redis.call('HGET', layout, 'version') ~= '1' or tonumber(ARGV[1]) < 2 then return end
  redis.call('DEL', SCHEDULES, CURSORS, KEEPERS)
  redis.call('HSET', layout, 'version', '2')
end
