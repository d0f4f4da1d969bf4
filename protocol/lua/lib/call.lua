-- call: numbered calls. A number belongs to one content for ever; a repeated number changes nothing
-- and gets
-- the same answer; one that is not the next, or of a closed epoch, is refused.
local KEPT_ANSWERS = 4

-- nil: go on. Otherwise what to reply instead.
local function begin_call(lane, epoch, seq)
  local s = redis.call('HMGET', SESSION, lane .. ':epoch', lane .. ':seq')
  if s[1] ~= epoch then return redis.error_reply('SMQEPOCH this epoch is closed') end
  local n, last = tonumber(seq), tonumber(s[2] or '0')
  if n <= last then
    return { redis.call('HGET', SESSION, lane .. ':answer' .. (n % KEPT_ANSWERS)) or '' }
  end
  if n > last + 1 then return redis.error_reply('SMQGAP the call before has not arrived') end
  -- The number is used up before anything else is written: a script that fails half-way is never
  -- run again.
  redis.call('HSET', SESSION, lane .. ':seq', seq, lane .. ':answer' .. (n % KEPT_ANSWERS), '')
  return nil
end

local function end_call(lane, seq, answer)
  redis.call('HSET', SESSION, lane .. ':answer' .. (tonumber(seq) % KEPT_ANSWERS), answer)
end
