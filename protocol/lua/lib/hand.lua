-- hand: a lone job, claimed for a sleeper that hears of it in the step that saves it: which spares
-- the sleeper its claim, and the job a line to stand in.
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

-- Nor is anything about to join it.
local function is_line_empty(t, now_ms)
  if exists(t.ready) or exists(t.prio) or exists(t.alone) then return false end
  if not exists(t.due) then return true end
  local due = redis.call('ZRANGEBYSCORE', t.due, '-inf', exact(now_ms), 'LIMIT', 0, 1)
  return #due == 0
end

-- A sleeper that is counted at this server. Whoever listens at a replica hears what is published
-- here, and is counted nowhere: what is handed over must not be said before that is known.
local function listening_sleeper(t)
  for _ = 1, MOST_DEAD do
    local sleeper = redis.call('SPOP', t.sleepers)
    if not sleeper then return nil end
    if redis.call('PUBSUB', 'NUMSUB', CHANNEL .. sleeper)[2] > 0 then return sleeper end
  end
  return nil
end

-- The next number of a job and of a lease. Where no lease stands, nothing has to be read to note
-- the time and the length of this one.
local function take_both(now)
  local m = redis.call('HMGET', META, 'number', 'fence')
  local number = digits(math.max(tonumber(m[1] or '0') + 1, now))
  local fence = digits(math.max(tonumber(m[2] or '0') + 1, now))
  if redis.call('ZCARD', LEASES) == 0 then
    redis.call('HSET', META, 'number', number, 'fence', fence, 'noted',
      whole(math.floor(now / 1000)), 'graceFrom', '0', 'lengths', HANDED_LENGTH_MS .. '=1')
  else
    redis.call('HSET', META, 'number', number, 'fence', fence)
    note_leases(now / 1000, HANDED_LENGTH_MS, 1)
    save_lengths()
  end
  return number, fence
end

-- Gives its number; nil: nobody hears of it, and nothing was saved.
local function hand(t, record, now)
  local owner = listening_sleeper(t)
  if not owner then return nil end
  local number, fence = take_both(now)
  redis.call('HSET', t.jobs, number, record)
  redis.call('SADD', t.claimed, number)
  local text = '0' .. HANDED_LENGTH_MS .. '|' .. owner .. '|' .. number .. '|' .. t.name
  redis.call('HSET', LEASE, fence, text)
  redis.call('ZADD', LEASES, whole(math.floor(now / 1000 + HANDED_MS)), fence)
  redis.call('HINCRBY', t.stats, 'pushed', 1)
  local message = 'h' .. fence .. ' ' .. number .. ' ' .. #t.name .. ':' .. t.name .. record
  redis.call('PUBLISH', CHANNEL .. owner, message)
  return number
end
