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

local function is_named_by(entry, number)
  local bundle, from, to = slice_in(entry)
  if not bundle then return entry == number end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1)) or -1
  return bundle == string.sub(number, 1, BUNDLE_SIZE) and place >= from and place <= to
end

local function last_named_by(entry)
  if #entry ~= SLICE_SIZE then return entry end
  return string.sub(entry, 1, BUNDLE_SIZE) .. string.sub(entry, -2)
end

-- Where it stands in a list: not far before `place`, or a little behind it where a bundle was taken
-- apart, else where its number belongs, since most stand in the order of their numbers. A search
-- through all of it would hold up the server.
local NEAR, MOST_PARTED = 2000, 100

local function place_in_list(key, member, place)
  local from = math.max(0, place - NEAR)
  local near = redis.call('LRANGE', key, from, place + MOST_PARTED)
  for k = #near, 1, -1 do
    if is_named_by(near[k], member) then return from + k - 1 end
  end
  local low, high = 0, from
  while low < high do
    local middle = math.floor((low + high) / 2)
    local there = redis.call('LINDEX', key, middle)
    if there and last_named_by(there) < member then low = middle + 1 else high = middle end
  end
  local entry = redis.call('LINDEX', key, low)
  return entry and is_named_by(entry, member) and low or nil
end

-- Where a page goes on in a stretch of the line: behind the last job shown. Claims take from the
-- front, so a job that is gone took all before it along.
local function resume(stretch, member, place)
  local at
  if stretch.command == 'LRANGE' then
    return place_in_list(stretch.key, member, place) or 0
  end
  at = redis.call('ZRANK', stretch.key, member)
  return at and at - stretch.first + 1 or 0
end

-- The jobs that an entry of a line names, behind `last`.
local function numbers_of(entry, last)
  local bundle, from, to = slice_in(entry)
  if not bundle then return entry == last and {} or { entry } end
  local b = bundles_of(t)
  if not b then return {} end
  if string.sub(last, 1, BUNDLE_SIZE) == bundle then
    from = math.max(from, (tonumber(string.sub(last, BUNDLE_SIZE + 1)) or -1) + 1)
  end
  read_states(b, t.bundles, { bundle })
  return numbers_lettered(bundle, b.states[bundle] or '', 'r', from, to)
end

-- A page of a list, from the entry at `skip` on; true: there is more of it.
local function page_list(s, k, skip, last, numbers, cursors)
  local found = redis.call('LRANGE', s.key, skip, skip + limit)
  for n, entry in ipairs(found) do
    local place = k .. ':' .. (skip + n - 1) .. ':'
    for _, number in ipairs(numbers_of(entry, last)) do
      if #numbers == limit then return true end
      numbers[#numbers + 1] = number
      cursors[#numbers] = place .. number
    end
    -- All of a page may have been cancelled: the next one goes on behind it.
    if #numbers == 0 then cursors[0] = place .. last_named_by(entry) end
  end
  return skip + #found < s.size
end

local function page_sorted_line(s, k, skip, numbers, cursors)
  local stop = math.min(s.size, skip + limit - #numbers) - 1
  if stop < skip then return skip < s.size end
  local found = redis.call('ZRANGE', s.key, s.first + skip, s.first + stop)
  for n, m in ipairs(found) do
    numbers[#numbers + 1] = number_of(m)
    cursors[#numbers] = k .. ':' .. (skip + n - 1) .. ':' .. m
  end
  return stop + 1 < s.size
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
    local s, here = stretches[k], tonumber(at) == k
    local skip, more = here and resume(s, member, tonumber(place)) or 0, nil
    if s.command == 'LRANGE' then
      more = page_list(s, k, skip, here and member or '', numbers, cursors)
    else
      more = page_sorted_line(s, k, skip, numbers, cursors)
    end
    if more then return numbers, cursors, true end
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
local function page_claimed()
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
  local following = found[1] ~= '0' and found[1] .. ':0' or 'b0:'
  cursors[#numbers] = following
  local b = bundles_of(t)
  return numbers, cursors, found[1] ~= '0' or (b and b.running ~= 0)
end

-- Of those that run in bundles the cursor is 'bscan cursor:the last one shown of its answer'. They
-- are looked for in the leases: there are many more bundles.
local LEASES_SHOWN, MOST_PAGES = 10, 50

-- The leases of parts of bundles that reach beyond `last`, in the order of their numbers: a short
-- HASH is given as a whole, however few are asked for.
local function slices_behind(found, last)
  local leases = {}
  for k = 1, #found, 2 do
    local lease = parse_lease(found[k], found[k + 1])
    local slice = lease and lease.task == t.name and lease.slice
    if slice and slice[1] .. string.format('%02d', slice[3]) > last then
      lease.t, lease.name = t, string.sub(lease.text, lease.from, lease.to)
      leases[#leases + 1] = lease
    end
  end
  table.sort(leases, function(a, b) return a.name < b.name end)
  return leases
end

local function page_bundled(scan, last)
  local numbers, cursors, leases = {}, {}, {}
  for _ = 1, MOST_PAGES do
    local found = redis.call('HSCAN', LEASE, scan, 'COUNT', LEASES_SHOWN)
    for _, lease in ipairs(slices_behind(found[2], last)) do
      for _, number in ipairs(members_of(lease)) do
        if number > last then
          if #numbers == limit then return numbers, cursors, true, leases end
          numbers[#numbers + 1], leases[number] = number, lease
          cursors[#numbers] = 'b' .. scan .. ':' .. number
        end
      end
    end
    scan, last = found[1], ''
    cursors[#numbers] = 'b' .. scan .. ':'
    if scan == '0' then return numbers, cursors, false, leases end
    if #numbers > 0 then break end
  end
  return numbers, cursors, true, leases
end

local function page_running()
  local scan, last = string.match(cursor, '^b(%d+):(%d*)$')
  if scan then return page_bundled(scan, last) end
  return page_claimed()
end

local numbers, cursors, more, leases
if state == 'ready' then
  numbers, cursors, more = page_ready()
elseif state == 'scheduled' then
  numbers, cursors, more = page_sorted(t.due, false, unpacked)
elseif state == 'running' then
  numbers, cursors, more, leases = page_running()
  leases = leases or leases_of(t, numbers, MOST_BYTES_SEEN / 2)
else
  numbers, cursors, more = page_sorted(t[state], true, number_of)
end

-- A page ends early when its records are big.
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
