-- registrations: which sets of definitions have a live scheduler. META `sets` is `set=endsAt …`.
local MOST_SETS, SETS_REMEMBERED_MS = 200, 31 * 86400000

local function parse_sets(text)
  local ends = {}
  for set, at in string.gmatch(text or '', '(%S+)=(%d+)') do ends[set] = tonumber(at) end
  return ends
end

local function read_registrations()
  local m = redis.call('HMGET', META, 'sets', 'setsGrace')
  return { ends = parse_sets(m[1]), grace = tonumber(m[2] or '0') }
end

local function is_live(r, set, now_ms)
  local ends = r.ends[set]
  return ends ~= nil and (ends > now_ms or now_ms < r.grace)
end

local function raise_registrations()
  redis.call('HINCRBY', META, 'registrations', 1)
end

-- Writes all sets, the latest ends first, and when the next one has to be judged.
local function write_sets(ends, judged, now_ms)
  local list, next_end = {}, math.huge
  for set, at in pairs(ends) do
    if at > now_ms - SETS_REMEMBERED_MS then list[#list + 1] = { set = set, at = at } end
  end
  table.sort(list, function(a, b)
    if a.at ~= b.at then return a.at > b.at end
    return a.set < b.set
  end)
  local parts = {}
  for k = 1, math.min(#list, MOST_SETS) do
    parts[k] = list[k].set .. '=' .. whole(list[k].at)
    if list[k].at > judged then next_end = list[k].at end
  end
  redis.call('HSET', META, 'sets', table.concat(parts, ' '),
    'setsNext', next_end < math.huge and whole(next_end) or '')
end

-- When a set's registration ends, without reading all of them.
local function end_of_set(text, set)
  local padded = ' ' .. (text or '')
  local _, stop = string.find(padded, ' ' .. set .. '=', 1, true)
  return stop and tonumber(string.match(padded, '^%d+', stop + 1)) or nil
end

-- Makes a set's registration last its full length, when less than two thirds are left.
local function renew_set(set, lease_ms, now_ms)
  local m = redis.call('HMGET', META, 'sets', 'setsGrace', 'setsJudged')
  local this, ends_at = math.floor(now_ms), end_of_set(m[1], set)
  if ends_at and ends_at - now_ms >= lease_ms * 2 / 3 then return end
  local lives = ends_at and (ends_at > now_ms or now_ms < tonumber(m[2] or '0'))
  local ends = parse_sets(m[1])
  ends[set] = math.max(ends_at or 0, this + lease_ms)
  write_sets(ends, tonumber(m[3] or '0'), now_ms)
  if not lives then raise_registrations() end
end

-- Notices that nobody looked for long, or that the clock went back: then no set counts as lapsed
-- for one lease.
local function note_registrations(lease_ms, now_ms)
  local m = redis.call('HMGET', META, 'setsNoted', 'setsJudged', 'sets')
  local this, noted = math.floor(now_ms), tonumber(m[1] or nil)
  local since = noted and this - noted or nil
  if since and since >= 0 and since < lease_ms / 6 then return end
  redis.call('HSET', META, 'setsNoted', whole(this))
  if not since or (since >= 0 and since <= lease_ms * 2 / 3) then return end
  redis.call('HSET', META, 'setsGrace', whole(this + lease_ms))
  if since > 0 then return end
  local ends, judged = parse_sets(m[3]), math.min(tonumber(m[2] or '0'), this)
  for set, at in pairs(ends) do ends[set] = math.min(at, this + lease_ms) end
  redis.call('HSET', META, 'setsJudged', whole(judged))
  write_sets(ends, judged, now_ms)
end

-- A set has lapsed since this was asked last: everybody has to register again.
local function judge_registrations(now_ms)
  local m = redis.call('HMGET', META, 'setsNext', 'setsGrace', 'sets', 'setsJudged')
  local next_end = tonumber(m[1] or '')
  if not next_end or next_end > now_ms or now_ms < tonumber(m[2] or '0') then return end
  local this, judged, lapsed = math.floor(now_ms), tonumber(m[4] or '0'), false
  local ends = parse_sets(m[3])
  for _, at in pairs(ends) do lapsed = lapsed or (at > judged and at <= now_ms) end
  if not lapsed then return end
  redis.call('HSET', META, 'setsJudged', whole(this))
  write_sets(ends, this, now_ms)
  raise_registrations()
end
