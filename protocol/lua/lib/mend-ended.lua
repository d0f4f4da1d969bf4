-- mend-ended: what is kept of ended jobs stands in the index of its state, and the other way round.
-- @include lib/piece.lua
local INDEX = { c = 'completed', d = 'dead', x = 'cancelled' }

local function mend_ended(t, number, text)
  local letter, at = string.match(text, '^(%a)|(%d+)|')
  local index = letter and INDEX[letter]
  if index and redis.call('ZSCORE', t[index], number) then return end
  note_mended('ended', 1)
  if index then
    redis.call('ZADD', t[index], at, number)
  else
    redis.call('HDEL', t.ended, number)
  end
end

local function walk_index(t, key, from)
  local numbers = redis.call('ZRANGE', key, from, from + PAGE - 1)
  local gone = 0
  for _, number in ipairs(numbers) do
    if redis.call('HEXISTS', t.ended, number) == 0 then
      redis.call('ZREM', key, number)
      gone = gone + 1
    end
  end
  note_mended('ended', gone)
  work.left = work.left - 1 - #numbers
  return #numbers < PAGE and '0' or whole(from + #numbers - gone)
end
