-- keys: names for KEYS. Ten of the shard and the session come first, then a group of 18 for each
-- task.
local META, LEASES, LEASE, CANCELS, MOMENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PROGRESS, KEEPERS, SCHEDULES, CURSORS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local FIRING, SESSION = KEYS[10], KEYS[11]
local SHARD_KEYS = 11
local TASK_KEYS = 18
-- Channels are no keys: 'meta' is cut off the first key.
local CHANNEL = string.sub(META, 1, -5) .. 'wake:'

local function task_keys(index, name)
  local b = SHARD_KEYS + (index - 1) * TASK_KEYS
  return {
    name = name,
    jobs = KEYS[b + 1], later = KEYS[b + 2], due = KEYS[b + 3], ready = KEYS[b + 4],
    prio = KEYS[b + 5], alone = KEYS[b + 6], claimed = KEYS[b + 7], tries = KEYS[b + 8],
    ids = KEYS[b + 9], idends = KEYS[b + 10], ended = KEYS[b + 11], dead = KEYS[b + 12],
    cancelled = KEYS[b + 13], completed = KEYS[b + 14], stats = KEYS[b + 15],
    sleepers = KEYS[b + 16], errors = KEYS[b + 17], bundles = KEYS[b + 18],
  }
end

-- A number as text: Lua's own form would round what has more than 14 digits.
local function whole(n)
  return string.format('%.0f', n)
end

-- Milliseconds as text, to the µs.
local function exact(ms)
  return string.format('%.3f', ms)
end
