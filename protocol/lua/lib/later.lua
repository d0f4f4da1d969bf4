-- later: how a job that is due later is kept, its record in one key and its due time in another.
-- A third of what a small one takes would be its number, which stands in both: so in these two keys
-- it is packed into six bytes, in the same order.
-- @include lib/number.lua

-- What six bytes hold, beginning in June 2025. Their first byte is neither 0 nor 255: these begin
-- the numbers before and after, which stay as they are spelled.
local PACKED_FROM, PACKED_BELOW = 1750000000000000, 1750000000000000 + 254 * 2 ^ 40

local function packed(number)
  local n = tonumber(number) or 0
  if n < PACKED_FROM then return '\0' .. number end
  if n >= PACKED_BELOW then return '\255' .. number end
  n = n - PACKED_FROM
  local f = n % 256
  n = (n - f) / 256
  local e = n % 256
  n = (n - e) / 256
  local d = n % 256
  n = (n - d) / 256
  local c = n % 256
  n = (n - c) / 256
  local b = n % 256
  return string.char((n - b) / 256 + 1, b, c, d, e, f)
end

local function unpacked(name)
  local a, b, c, d, e, f = string.byte(name, 1, 6)
  if a == 0 or a == 255 then return string.sub(name, 2) end
  local n = (((((a - 1) * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
  return digits_near(PACKED_FROM + n)
end

local function record_of_later(t, number)
  return redis.call('HGET', t.later, packed(number))
end

local function is_later(t, number)
  return redis.call('HEXISTS', t.later, packed(number)) == 1
end

local function due_of_later(t, number)
  return redis.call('ZSCORE', t.due, packed(number))
end

local function drop_later(t, number)
  local name = packed(number)
  redis.call('HDEL', t.later, name)
  redis.call('ZREM', t.due, name)
end
