#!lua flags=allow-oom
-- list: a page of the jobs of a task in one state.
-- keys   shard, session, the group of the task
-- args   task name · state · cursor or '' · limit
-- gives  { next cursor or '', view … }
-- since  protocol 1
-- @include lib/keys.lua
-- @include lib/find.lua
local MOST_BYTES, MOST_SHOWN = 4 * 1024 * 1024, 200
local t, state, cursor = task_keys(1, ARGV[1]), ARGV[2], ARGV[3]
-- Of one that runs more is told.
if state == 'running' then MOST_SHOWN = MOST_SHOWN / 2 end
local limit = math.min(tonumber(ARGV[4]), MOST_SHOWN)

local function number_of(member)
  return string.sub(member, -NUMBER_SIZE)
end

-- Where it stands in a list: not far before `place`, else where its number belongs, since most
-- stand in the order of their numbers. A search through all of it would hold up the server.
local NEAR = 2000

local function place_in_list(key, member, place)
  local from = math.max(0, place - NEAR)
  local near = redis.call('LRANGE', key, from, place)
  for k = #near, 1, -1 do
    if near[k] == member then return from + k - 1 end
  end
  local low, high = 0, from
  while low < high do
    local middle = math.floor((low + high) / 2)
    if redis.call('LINDEX', key, middle) < member then low = middle + 1 else high = middle end
  end
  return redis.call('LINDEX', key, low) == member and low or nil
end

-- Where a page goes on in a stretch of the line: behind the last job shown. Claims take from the
-- front, so a job that is gone took all before it along.
local function resume(stretch, member, place)
  local at
  if stretch.command == 'LRANGE' then
    at = place_in_list(stretch.key, member, place)
  else
    at = redis.call('ZRANK', stretch.key, member)
    at = at and at - stretch.first
  end
  return at and at + 1 or 0
end

-- The line of ready jobs is four stretches one after the other; the cursor is
-- 'stretch:place in it:member' of the last one shown.
local function page_ready()
  local negative = redis.call('ZCOUNT', t.prio, '-inf', '(0')
  local rest = redis.call('ZCARD', t.prio) - negative
  local stretches = {
    { command = 'ZRANGE', key = t.prio, first = 0, size = negative },
    { command = 'LRANGE', key = t.ready, first = 0, size = redis.call('LLEN', t.ready) },
    { command = 'ZRANGE', key = t.prio, first = negative, size = rest },
    { command = 'LRANGE', key = t.alone, first = 0, size = redis.call('LLEN', t.alone) },
  }
  local at, place, member = string.match(cursor, '^(%d):(%d+):(.+)$')
  local numbers, cursors = {}, {}
  for k = tonumber(at or '1'), #stretches do
    local s = stretches[k]
    local skip = tonumber(at) == k and resume(s, member, tonumber(place)) or 0
    local want = limit - #numbers
    if want == 0 and skip < s.size then return numbers, cursors, true end
    local stop = math.min(s.size, skip + want) - 1
    if want > 0 and stop >= skip then
      local found = redis.call(s.command, s.key, s.first + skip, s.first + stop)
      for n, m in ipairs(found) do
        numbers[#numbers + 1] = number_of(m)
        cursors[#numbers] = k .. ':' .. (skip + n - 1) .. ':' .. m
      end
      if stop + 1 < s.size then return numbers, cursors, true end
    end
  end
  return numbers, cursors, false
end

-- The rank of the first member behind (score, number), by bisection: that one may be gone.
local function rank_behind(key, reverse, score, number, spelled)
  local range, low, high = reverse and 'ZREVRANGE' or 'ZRANGE', 0, redis.call('ZCARD', key)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local found = redis.call(range, key, middle, middle, 'WITHSCORES')
    local there, s = spelled(found[1]), tonumber(found[2])
    local behind = s > score or (s == score and there > number)
    if reverse then behind = s < score or (s == score and there < number) end
    if behind then high = middle else low = middle + 1 end
  end
  return low
end

-- Sorted sets: the cursor is 'score:number' of the last one shown. `spelled`: the number that a
-- member names.
local function page_sorted(key, reverse, spelled)
  local range, from = reverse and 'ZREVRANGE' or 'ZRANGE', 0
  local score, number = string.match(cursor, '^(%-?[%d.]+):(%d+)$')
  if score then from = rank_behind(key, reverse, tonumber(score), number, spelled) end
  local found = redis.call(range, key, from, from + limit - 1, 'WITHSCORES')
  local numbers, cursors = {}, {}
  for k = 1, #found, 2 do
    local number = spelled(found[k])
    numbers[#numbers + 1] = number
    cursors[#numbers] = exact(tonumber(found[k + 1])) .. ':' .. number
  end
  return numbers, cursors, from + #numbers < redis.call('ZCARD', key)
end

-- SSCAN may give more than asked for: the cursor is 'scan cursor:how many of its answer were
-- shown'.
local function page_running()
  local scan, shown = string.match(cursor, '^(%d+):(%d+)$')
  scan, shown = scan or '0', tonumber(shown or '0')
  -- Of a count that never changes: the same cursor gives the same answer.
  local found = redis.call('SSCAN', t.claimed, scan, 'COUNT', MOST_SHOWN)
  local numbers, cursors, total = {}, {}, #found[2]
  for k = shown + 1, math.min(total, shown + limit) do
    numbers[#numbers + 1] = found[2][k]
    cursors[#numbers] = scan .. ':' .. k
  end
  if shown + #numbers < total then return numbers, cursors, true end
  cursors[#numbers] = found[1] .. ':0'
  return numbers, cursors, found[1] ~= '0'
end

local numbers, cursors, more
if state == 'ready' then
  numbers, cursors, more = page_ready()
elseif state == 'scheduled' then
  numbers, cursors, more = page_sorted(t.due, false, unpacked)
elseif state == 'running' then
  numbers, cursors, more = page_running()
else
  numbers, cursors, more = page_sorted(t[state], true, number_of)
end

-- A page ends early when its records are big.
local leases = state == 'running' and leases_of(numbers, MOST_BYTES_SEEN / 2) or nil
local page, bytes, last = { '' }, 0, 0
for k, number in ipairs(numbers) do
  local v = view(t, number, leases)
  if v and v[2] == state then
    page[#page + 1] = v
    bytes = bytes + #v[3]
  end
  last = k
  if bytes >= MOST_BYTES then break end
end
if more or last < #numbers then page[1] = cursors[last] or '' end
return page
