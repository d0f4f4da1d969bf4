-- hand: claims a lone job for the sleeper that hears of it, which saves that sleeper its claim.
-- @include lib/number.lua
-- @include lib/rare.lua
-- @include lib/wake.lua
-- @include lib/note.lua
-- @include lib/handed.lua
-- What a subscriber has not read is kept by the server, which cuts off whoever has too much of it.
local MOST_HANDED_BYTES = 65536

-- Only what may run again: whether a sleeper that died had begun is not known. So neither retry-off
-- jobs nor those of a single try.
local function may_be_handed(record)
  if #record > MOST_HANDED_BYTES then return false end
  local stop = string.find(record, '\n', 1, true)
  -- Within JSON, '"r":' outside of a name has its quotes escaped.
  local tries = stop and string.match(string.sub(record, 1, stop - 1), '"r":(%d+)')
  return tries ~= nil and tries ~= '1'
end

local function lease_to(owner, t, number, fence, now_ms)
  note_leases(now_ms, HANDED_LENGTH_MS, 1)
  redis.call('LPOP', t.ready)
  redis.call('SADD', t.claimed, number)
  local text = '0' .. whole(HANDED_LENGTH_MS) .. '|' .. owner .. '|' .. number .. '|' .. t.name
  redis.call('HSET', LEASE, fence, text)
  redis.call('ZADD', LEASES, whole(math.floor(now_ms + HANDED_MS)), fence)
  save_lengths()
end

-- Whether a sleeper is counted at this server. Whoever listens at a replica hears what is published
-- here, and is counted nowhere: what is handed over must not be said before that is known.
local function hears(sleeper)
  return redis.call('PUBLISH', CHANNEL .. sleeper, '') > 0
end

-- Hands the only job in line to a sleeper, if it is the only one that is ready, else wakes one.
-- True: it was handed over.
local function hand_or_wake(t, number, record, now)
  if exists(t.prio) or exists(t.alone) then
    wake_one(t)
    return false
  end
  for _ = 1, MOST_DEAD do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return false end
    if hears(sleeper) then
      local fence = digits(take_numbers('fence', 1, now))
      lease_to(sleeper, t, number, fence, now / 1000)
      local message = 'h' .. fence .. ' ' .. number .. ' ' .. #t.name .. ':' .. t.name .. record
      redis.call('PUBLISH', CHANNEL .. sleeper, message)
      return true
    end
  end
  return false
end
