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

-- The texts of `count` numbers in a row. Formatting all digits of each costs as much as storing
-- them: mostly only the last six change.
local MILLION = 1000000
local function digits_from(first, count)
  local texts, high, low = {}, math.floor(first / MILLION), first % MILLION
  local head = string.format('%010.0f', high)
  for k = 1, count do
    if low == MILLION then
      high, low = high + 1, 0
      head = string.format('%010.0f', high)
    end
    texts[k] = head .. string.format('%06d', low)
    low = low + 1
  end
  return texts
end
