-- number: rising numbers that are never reused, also when the clock went back. 16 digits until the
-- year 2286.
local NUMBER_SIZE = 16

local function digits(n)
  return string.format('%016.0f', n)
end

-- The first of `count` numbers in a row from the counter `field`, which stands at `last`.
local function raised(field, last, count, now)
  local first = math.max(last + 1, now)
  redis.call('HSET', META, field, digits(first + count - 1))
  return first
end

local function take_numbers(field, count, now)
  return raised(field, tonumber(redis.call('HGET', META, field) or '0'), count, now)
end

-- 00 to 99, one after the other.
local TWO_DIGITS = '00010203040506070809101112131415161718192021222324'
  .. '25262728293031323334353637383940414243444546474849'
  .. '50515253545556575859606162636465666768697071727374'
  .. '75767778798081828384858687888990919293949596979899'

-- The texts of `count` numbers in a row. Formatting each costs as much as storing it: all but the
-- last two digits are the same for a hundred of them.
local function digits_from(first, count)
  local sub, texts = string.sub, {}
  local high, at = math.floor(first / 100), 1 + 2 * (first % 100)
  local head = string.format('%014.0f', high)
  for k = 1, count do
    if at > 200 then
      high, at = high + 1, 1
      head = string.format('%014.0f', high)
    end
    texts[k] = head .. sub(TWO_DIGITS, at, at + 1)
    at = at + 2
  end
  return texts
end

-- The same of numbers that are not in a row, but mostly near each other.
local heads = {}

local function digits_near(n)
  local low = n % 10000
  local high = (n - low) / 10000
  local head, d = heads[high], low % 100
  if not head then
    head = string.format('%012.0f', high)
    heads[high] = head
  end
  local c = (low - d) / 50
  local sub = string.sub
  return head .. sub(TWO_DIGITS, c + 1, c + 2) .. sub(TWO_DIGITS, 2 * d + 1, 2 * d + 2)
end
