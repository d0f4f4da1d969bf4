-- rare: keys that most calls need not look at, because they do not exist. A script that names them
-- asks for all of them once; in the common case that is one command instead of many.

-- How many of them exist that have not been met yet; without having asked all may.
local rare_left, seen_rare = math.huge, {}

local function ask_for_rare(keys)
  rare_left = redis.call('EXISTS', unpack(keys))
end

local function exists(key)
  if seen_rare[key] ~= nil then return seen_rare[key] end
  if rare_left == 0 then return false end
  seen_rare[key] = redis.call('EXISTS', key) == 1
  if seen_rare[key] then rare_left = rare_left - 1 end
  return seen_rare[key]
end

-- This call writes it.
local function written(key)
  seen_rare[key] = true
end
