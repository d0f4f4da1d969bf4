-- due: schedules that are due, of groups that the caller can fire. Costs one read of all groups,
-- and one of each group that is due.
-- @include lib/schedule.lua
-- @include lib/registrations.lua
-- @include lib/offers.lua
local MOST_DUE, MOST_DUE_BYTES = 100, 4 * 1024 * 1024

-- An entry that is not what the schedule itself says is dropped.
local function due_schedule(member, group, registrations)
  local id = string.sub(member, #group + 17)
  local f = redis.call('HMGET', SCHEDULES, 'd' .. id, 's' .. id, 'g' .. id)
  local s = f[1] and parse_schedule(id, f[1], f[2])
  if not s or s.member ~= member then
    touch(group)
    redis.call('ZREM', CURSORS, member)
    return nil
  end
  local til = s.code and registered_until(s, parse_offers(f[3]), registrations) or nil
  return describe_schedule(s, til)
end

local function due_schedules(groups, now_ms)
  local out, bytes, registrations = {}, 0, read_registrations()
  local before = stamp(math.floor(now_ms) + 1)
  for _, group in ipairs(groups) do
    local room = MOST_DUE - #out
    if room <= 0 or bytes >= MOST_DUE_BYTES then break end
    local members = redis.call('ZRANGEBYLEX', CURSORS, '[' .. group, '(' .. group .. before,
      'LIMIT', 0, room)
    if #members == 0 then touch(group) end
    for _, member in ipairs(members) do
      local found = bytes < MOST_DUE_BYTES and due_schedule(member, group, registrations)
      if found then
        out[#out + 1] = found
        bytes = bytes + #found[3]
      end
    end
  end
  refresh_groups(nil)
  return out, #out < MOST_DUE and bytes < MOST_DUE_BYTES
end

-- The index is visibly not what it should be, or is being mended: `m` says how many names and
-- cursors it should have, and where a walk is.
local function needs_repair(m)
  local names, wakes = tonumber(m[1] or '0'), tonumber(m[2] or '0')
  if m[3] or redis.call('ZCARD', CURSORS) ~= names + wakes then return true end
  if wakes > 0 then return redis.call('EXISTS', FIRING, SCHEDULES) < 2 end
  if names > 0 then return redis.call('EXISTS', SCHEDULES) == 0 end
  return redis.call('EXISTS', SCHEDULES) == 1
end
