-- hold: a store that has lost its data or was started again fires nothing for a while, so that
-- everybody can tell it first what is decided.
local HOLD_MS = 5000

-- Until when; nil: not now. An end that is further away is left by a clock that went back.
local function held_until(now_ms)
  local til = tonumber(redis.call('HGET', META, 'holdTil') or nil)
  if til and til > now_ms and til <= now_ms + HOLD_MS then return til end
end
