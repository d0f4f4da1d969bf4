-- view: schedules for clients, as schedule and schedules give them.
-- @include lib/schedule.lua
-- @include lib/registrations.lua
-- @include lib/offers.lua

-- { id, task, definition, numbers, pause's reason, payload, head, open, buffered }, and its size.
local function view_schedule(id, registrations)
  local f = redis.call('HMGET', SCHEDULES,
    'd' .. id, 's' .. id, 'g' .. id, 'p' .. id, 'o' .. id, 'b' .. id)
  if not f[1] then return nil end
  local s = parse_schedule(id, f[1], f[2])
  local view = describe_schedule(s, registered_until(s, parse_offers(f[3]), registrations))
  view[6], view[7], view[8], view[9] = f[4] or '', s.head, f[5] or '', f[6] or ''
  return view, #f[1] + #view[6] + #view[8] + #view[9]
end
