-- note: notices that the fleet was away (outage, failover, suspended machine), or that the clock
-- jumped: then every lease gets its whole length again, so that living owners renew first. Without
-- it the first client back would take everybody's jobs. Nothing is written where no lease stands.

-- Lengths of the standing leases, as 'lengthMs=how many', space-separated.
local function read_lengths(text)
  local lengths = {}
  for length, count in string.gmatch(text or '', '(%d+)=(%d+)') do
    lengths[length] = tonumber(count)
  end
  return lengths
end

local function lengths_text(lengths)
  local parts = {}
  for length, count in pairs(lengths) do
    if count > 0 then parts[#parts + 1] = length .. '=' .. count end
  end
  table.sort(parts)
  return table.concat(parts, ' ')
end

-- What this call has read of them, and the last fence, in the same command; nil: nothing.
local known_lengths, known_fence = nil, nil

-- Leases that this call has written (+) and taken away (-), by length: noted at its end.
local lease_changes = {}

local function change_leases(length_ms, by)
  local key = whole(length_ms)
  lease_changes[key] = (lease_changes[key] or 0) + by
end

local function forget_lease(length_ms)
  change_leases(length_ms, -1)
end

-- Notes how many leases stand; nothing is written where as many were made as were taken away.
local function save_lengths()
  local lengths, changed = nil, false
  for length, by in pairs(lease_changes) do
    if by ~= 0 then
      lengths = lengths or known_lengths or read_lengths(redis.call('HGET', META, 'lengths'))
      lengths[length], changed = (lengths[length] or 0) + by, true
    end
  end
  lease_changes, known_lengths = {}, nil
  if changed then redis.call('HSET', META, 'lengths', lengths_text(lengths)) end
end

-- Notes that lost their lengths are taken for this: more careful than needed, and never too late.
local SHORTEST_KNOWN_MS = 1000

local function shortest_of(lengths)
  local shortest = math.huge
  for length in pairs(lengths) do shortest = math.min(shortest, tonumber(length)) end
  return shortest < math.huge and shortest or SHORTEST_KNOWN_MS
end

-- A clock that went back leaves lease ends too far away: nobody would reap them in time.
local function clamp_leases(now_ms, shortest)
  local after = '(' .. whole(math.floor(now_ms + shortest))
  local far = redis.call('ZRANGEBYSCORE', LEASES, after, '+inf', 'WITHSCORES', 'LIMIT', 0, 1000)
  for k = 1, #far, 2 do
    local length = tonumber(string.match(redis.call('HGET', LEASE, far[k]) or '', '^(%d+)|'))
    local latest = math.floor(now_ms + (length or shortest))
    if tonumber(far[k + 1]) > latest then redis.call('ZADD', LEASES, whole(latest), far[k]) end
  end
end

-- Notes the time, at most every third of the shortest lease. Says from when on every lease has its
-- whole length (0: no doubt), and when the time has to be noted next; nil where no lease stands.
local function note_time(now_ms)
  if redis.call('ZCARD', LEASES) == 0 then return 0, nil, {} end
  local m = redis.call('HMGET', META, 'noted', 'graceFrom', 'lengths', 'fence')
  local noted, from = tonumber(m[1]), tonumber(m[2] or '0')
  local lengths = read_lengths(m[3])
  known_lengths, known_fence = lengths, m[4]
  local shortest = shortest_of(lengths)
  local gap = noted and now_ms - noted or math.huge
  local this = math.floor(now_ms)
  if gap > shortest * 2 / 3 or gap < 0 then
    noted, from = this, this
    redis.call('HSET', META, 'noted', whole(this), 'graceFrom', whole(this))
    if gap < 0 then clamp_leases(now_ms, shortest) end
  elseif gap >= shortest / 3 then
    noted = this
    redis.call('HSET', META, 'noted', whole(this))
  end
  return from, noted + shortest / 3, lengths
end

-- Called before leases are written. The first lease of all sets the note.
local function note_leases(now_ms, lease_ms, count)
  local _, next_note, lengths = note_time(now_ms)
  if not next_note then
    redis.call('HSET', META, 'noted', whole(math.floor(now_ms)), 'graceFrom', '0')
  elseif lease_ms < shortest_of(lengths) then
    -- A note that is young enough for longer leases would look like an outage to this one.
    redis.call('HSET', META, 'noted', whole(math.floor(now_ms)))
  end
  change_leases(lease_ms, count)
end
