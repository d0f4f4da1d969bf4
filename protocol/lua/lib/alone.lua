-- alone: who may take a job that must run alone. `caller`: { identity, now_ms, lease_ms, free }.
-- @include lib/number.lua
-- How many lapsed reservations are remembered; how long whoever had one gets no other, by its
-- length; how long the longest is.
local MOST_PAST_HOLDERS, REST_IN_LENGTHS, LONGEST_IN_LEASES = 10, 10, 64
-- Whoever has a reservation may die, and whoever had none may run nothing soon: others look again.
local LOOK_AGAIN_MS = 1000
-- Tasks that are looked at sooner when one has run.
local MOST_HURRIED = 100

-- Holders whose reservation lapsed unused, as { identity = { til: until when they get no other,
-- length_ms: of that one } }.
local function past_holders(caller, text, by, til, length_ms)
  local past = {}
  for holder, rest_til, length in string.gmatch(text or '', '(%S+)=(%d+)/?(%d*)') do
    past[holder] = { til = tonumber(rest_til), length_ms = tonumber(length) or caller.lease_ms }
  end
  if by then past[by] = { til = til + REST_IN_LENGTHS * length_ms, length_ms = length_ms } end
  return past
end

-- The latest first.
local function past_text(past)
  local holders = {}
  for holder in pairs(past) do holders[#holders + 1] = holder end
  table.sort(holders, function(a, b)
    if past[a].til == past[b].til then return a < b end
    return past[a].til > past[b].til
  end)
  local parts = {}
  for k = 1, math.min(#holders, MOST_PAST_HOLDERS) do
    local one = past[holders[k]]
    parts[k] = holders[k] .. '=' .. whole(one.til) .. '/' .. whole(one.length_ms)
  end
  return table.concat(parts, ' ')
end

-- Twice the one that was too short for what the holder had to end. Of whom none is remembered
-- where as many are as can be: as if the shortest of these had been its own.
local function next_length(caller, mine, past)
  local shortest, n = math.huge, 0
  for _, one in pairs(past) do shortest, n = math.min(shortest, one.length_ms), n + 1 end
  local before = mine and mine.length_ms or n >= MOST_PAST_HOLDERS and shortest or 0
  local most = LONGEST_IN_LEASES * caller.lease_ms
  return math.max(caller.lease_ms, math.min(2 * before, most))
end

-- Until when the right to drain for a job that must run alone is taken, and whether this scheduler
-- has it. Whoever could not use it rests, so that a long handler does not hold up all other work;
-- who has nothing to end gets it at once.
local function reserve_alone(caller)
  local m = redis.call('HMGET', META, 'aloneBy', 'aloneTil', 'alonePast', 'aloneFor')
  local by, til = m[1], tonumber(m[2] or '0')
  local length_ms = tonumber(m[4] or '') or caller.lease_ms
  -- Of a version before, which noted no length, it may be that of any lease.
  local furthest = caller.now_ms + (m[4] and length_ms + 1 or caller.lease_ms * 10)
  local stands = til > caller.now_ms and til <= furthest
  if stands and (by == caller.identity or not caller.free) then
    return math.min(til, caller.now_ms + LOOK_AGAIN_MS), by == caller.identity
  end
  local past = past_holders(caller, m[3], not stands and by, til, length_ms)
  local mine = past[caller.identity]
  -- What lies further ahead than it could is from before the clock went back.
  if mine and mine.til > caller.now_ms + (REST_IN_LENGTHS + 1) * mine.length_ms then mine = nil end
  if mine and mine.til > caller.now_ms and not caller.free then
    redis.call('HDEL', META, 'aloneBy', 'aloneTil', 'aloneFor')
    redis.call('HSET', META, 'alonePast', past_text(past))
    return caller.now_ms + LOOK_AGAIN_MS, false
  end
  length_ms = next_length(caller, mine, past)
  til = math.ceil(caller.now_ms + length_ms)
  redis.call('HSET', META, 'aloneBy', caller.identity, 'aloneTil', whole(til),
    'aloneFor', whole(length_ms), 'alonePast', past_text(past))
  return til, true
end

-- One of them runs at a time, and others have their turn for as long as it ran: else a handful of
-- killers would keep all schedulers to themselves. Gives until when none is given while anything
-- else is ready, and whether one runs.
local function turn_of_others(caller)
  local m = redis.call('HMGET', META, 'aloneRun', 'aloneRest')
  local fence, since = string.match(m[1] or '', '^(%d+) (%d+)$')
  if fence then
    if redis.call('HEXISTS', LEASE, fence) == 1 then
      return caller.now_ms + caller.lease_ms, true
    end
    local ran_ms = math.max(0, math.min(caller.now_ms - tonumber(since), caller.lease_ms))
    m[2] = whole(math.ceil(caller.now_ms + ran_ms))
    redis.call('HDEL', META, 'aloneRun')
    redis.call('HSET', META, 'aloneRest', m[2])
  end
  local til = tonumber(m[2] or '0')
  if til > caller.now_ms and til <= caller.now_ms + caller.lease_ms + 1 then return til, false end
  return nil, false
end

-- These leases have ended. If one of them was that of the job that ran alone, the turn of others
-- begins, and tasks that were to be looked at when its lease would have run out are earlier: which
-- of them have such jobs is not known here, and a look too early does no harm.
local function note_run_over(caller, fences)
  local m = redis.call('HMGET', META, 'aloneRun', 'aloneJobs')
  if not fences[string.match(m[1] or '', '^%d+') or ''] then return end
  local til = exact(turn_of_others(caller) or caller.now_ms)
  if tonumber(m[2] or '0') <= 0 then return end
  local latest = exact(caller.now_ms + caller.lease_ms)
  local names = redis.call(
    'ZRANGEBYSCORE', MOMENTS, '(' .. til, latest, 'LIMIT', 0, MOST_HURRIED)
  for _, name in ipairs(names) do redis.call('ZADD', MOMENTS, til, name) end
end

-- When no such job is left in the shard, nobody is chosen and nobody rests.
local function forget_alone(caller)
  local m = redis.call('HMGET', META, 'aloneJobs', 'aloneBy', 'alonePast', 'aloneRest', 'aloneRun')
  if not (m[2] or m[3] or m[4] or m[5]) or tonumber(m[1] or '0') > 0 then return end
  redis.call('HDEL', META, 'aloneBy', 'aloneTil', 'aloneFor', 'alonePast')
  if not m[5] then
    redis.call('HDEL', META, 'aloneRest')
  else
    turn_of_others(caller)
  end
end
