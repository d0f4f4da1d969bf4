-- rare: keys that most calls need not look at, because they do not exist. A script that names them
-- asks for all of them once; in the common case that is one command instead of many.
local any_rare, seen_rare = true, {}

local function ask_for_rare(keys)
  any_rare = redis.call('EXISTS', unpack(keys)) > 0
end

local function exists(key)
  if not any_rare then return false end
  if seen_rare[key] == nil then seen_rare[key] = redis.call('EXISTS', key) == 1 end
  return seen_rare[key]
end

-- This call writes it.
local function written(key)
  any_rare, seen_rare[key] = true, true
end
