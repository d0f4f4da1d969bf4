-- now, for the contract suite: the server's clock plus the ms in a test key, so that days pass
-- without sleeping.
local function now_us()
  local time = redis.call('TIME')
  local offset_ms = redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'test:offset')
  return time[1] * 1000000 + time[2] + (tonumber(offset_ms or '0')) * 1000
end
