-- wake: one named sleeper per event, not a stampede. Whoever does not hear it has died, and is
-- dropped: as many may have died as one machine had, and none of them may swallow the wake-up.
local MOST_DEAD = 200

-- True: somebody has heard it.
local function wake_one(t)
  for _ = 1, MOST_DEAD do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return false end
    if redis.call('PUBLISH', CHANNEL .. sleeper, 't' .. t.name) > 0 then return true end
  end
  return false
end
