-- wake: one named sleeper per event, not a stampede. A sleeper that died is dropped; at most three
-- are tried.
local function wake_one(t)
  for _ = 1, 3 do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return end
    if redis.call('PUBLISH', CHANNEL .. sleeper, 't' .. t.name) > 0 then return end
  end
end
