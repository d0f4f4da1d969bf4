-- number: rising numbers that are never reused, also when the clock went back. 16 digits until the
-- year 2286.
local function digits(n)
  return string.format('%016.0f', n)
end

-- The first of `count` numbers in a row from the counter `field`.
local function take_numbers(field, count, now)
  local last = tonumber(redis.call('HGET', META, field) or '0')
  local first = math.max(last + 1, now)
  redis.call('HSET', META, field, digits(first + count - 1))
  return first
end
