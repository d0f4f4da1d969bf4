#!lua flags=allow-oom
-- mend: compares a piece of the records of tasks with all that points at them, and mends what does
-- not fit: task by task, until something is found or the piece is full. Not urgent: the fleet does
-- one piece of a task in 50 s, from where the last one ended, or where a task stands still.
-- keys   shard, session, then the groups of the tasks named
-- args   urgent 1|0 · if urgent, the place to go on from, '' = the beginning · tasks: number, names
-- gives  { how many tasks were compared, then of the last of them: place to go on from or '' at the
--        end, then kind and how many were mended … }
-- since  protocol 3
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/note.lua
-- @include lib/overlap.lua
-- @include lib/promote.lua
-- @include lib/claim.lua
-- @include lib/need.lua
-- @include lib/piece.lua
-- @include lib/mend-ended.lua
-- @include lib/mend-bundles.lua
-- @include lib/mend-line.lua
local PAUSE_MS, DAY_MS = 50000, 86400000
local LEASES_A_PAGE, LENGTH_MS, NOBODY = 3, 10000, 'nobody'
local urgent, from_place, task_count = ARGV[1] == '1', ARGV[2], tonumber(ARGV[3])
-- The task that is compared now.
local t = nil
local now = now_us()
local now_ms = now / 1000
local this = whole(math.floor(now_ms))

-- Whatever a lease holds is running, if its record is there.
local function mend_lease(fence, text)
  local lease = parse_lease(fence, text)
  if not lease then
    redis.call('HDEL', LEASE, fence)
    redis.call('ZREM', LEASES, fence)
    return note_mended('leases', 1)
  end
  if not redis.call('ZSCORE', LEASES, fence) then
    redis.call('ZADD', LEASES, whole(math.floor(now_ms + lease.length)), fence)
    note_mended('leases', 1)
  end
  if lease.task ~= t.name then return end
  lease.t = t
  if lease.slice then
    note_mended('running', note_running(t, lease.slice))
    work.left = work.left - 1
    return
  end
  for _, number in ipairs(members_of(lease)) do
    if redis.call('SISMEMBER', t.claimed, number) == 0
        and redis.call('HEXISTS', t.jobs, number) == 1 then
      redis.call('SADD', t.claimed, number)
      note_mended('running', 1)
    end
    work.left = work.left - 1
  end
end

-- These run under no lease: they get one that nobody renews, and are reaped as any other.
local function lease_to_nobody(numbers)
  for from = 1, #numbers, MOST_PER_LEASE do
    local piece = { unpack(numbers, from, math.min(from + MOST_PER_LEASE - 1, #numbers)) }
    write_leases({ { t = t, numbers = piece } }, LENGTH_MS, NOBODY, now)
  end
  note_mended('running', #numbers)
end

local function is_running(number)
  return letter_of(t, number) == 'a' or redis.call('SISMEMBER', t.claimed, number) == 1
    and redis.call('HEXISTS', t.jobs, number) == 1
end

-- A page of what is claimed; what has no record is dropped.
local function page_of_claimed(_, from)
  local page = redis.call('SSCAN', t.claimed, from, 'COUNT', PIECE)
  local here = {}
  for _, number in ipairs(page[2]) do
    if redis.call('HEXISTS', t.jobs, number) == 1 then
      here[#here + 1] = number
    else
      redis.call('SREM', t.claimed, number)
      note_mended('running', 1)
    end
  end
  work.left = work.left - 1 - #page[2]
  return page[1], here
end

-- Those of a page that no lease holds. Where there are many leases they are walked in pieces, and
-- the place says what is still sought. What moved from one lease to another meanwhile looks lost,
-- so what is left after several pieces is sought once more among all.
local function walk_running(from, page_of)
  local scan, cursor, rest = string.match(from, '^(%d+):(%d+):([%d ]+)$')
  local sought, wanted = scan and numbers_in(rest), {}
  local is_whole = not scan
  if is_whole then
    scan, sought = page_of(t, from)
    cursor = '0'
  end
  for _, number in ipairs(sought) do wanted[number] = true end
  if #sought > 0 then
    cursor = walk_leases(t, wanted, cursor, MOST_BYTES_SEEN, function(number)
      wanted[number] = nil
    end)
    work.left = cursor == '0' and work.left - redis.call('HLEN', LEASE) or 0
  end
  local left = {}
  for _, number in ipairs(sought) do
    if wanted[number] and is_running(number) then left[#left + 1] = number end
  end
  if #left == 0 then return scan end
  if cursor ~= '0' then return scan .. ':' .. cursor .. ':' .. table.concat(left, ' ') end
  local leases = is_whole and {} or leases_of(t, left, math.huge)
  local homeless = {}
  for _, number in ipairs(left) do
    if not leases[number] then homeless[#homeless + 1] = number end
  end
  lease_to_nobody(homeless)
  return scan
end

-- When it was due is lost with the index: now.
local function mend_later(name)
  if redis.call('ZSCORE', t.due, name) then return end
  redis.call('ZADD', t.due, this, name)
  note_mended('scheduled', 1)
end

local function is_open(number)
  return redis.call('HEXISTS', t.jobs, number) == 1 or is_later(t, number)
end

local function mend_id(id, text)
  local number, state = string.match(text, '^(%d+):?(%a?)$')
  if number and state ~= '' and redis.call('ZSCORE', t.idends, id) then return end
  if number and state == '' and is_open(number) then return end
  note_mended('ids', 1)
  local ended = number and redis.call('HGET', t.ended, number)
  local letter = state ~= '' and state or string.match(ended or '', '^%a')
  if number and letter then
    redis.call('HSET', t.ids, id, number .. ':' .. letter)
    redis.call('ZADD', t.idends, whole(now_ms + DAY_MS), id)
  else
    redis.call('HDEL', t.ids, id)
  end
end

local function mend_tries(number)
  if is_open(number) then return end
  redis.call('HDEL', t.tries, number)
  redis.call('HDEL', t.errors, number)
  note_mended('counts', 1)
end

-- In this order: what runs has to be known first.
local STEPS = {
  function(from) return walk_hash(LEASE, from, mend_lease, LEASES_A_PAGE) end,
  function(from) return walk_running(from, page_of_claimed) end,
  function(from) return walk_running(from, page_of_bundled) end,
  function(from) return walk_records(t, from, now) end,
  function(from) return walk_line_of_bundles(t, from, lease_to_nobody) end,
  function(from) return walk_hash(t.later, from, mend_later) end,
  function(from) return walk_hash(t.ids, from, mend_id) end,
  function(from)
    return walk_hash(t.ended, from, function(number, text) mend_ended(t, number, text) end)
  end,
  function(from) return walk_index(t, t.dead, tonumber(from)) end,
  function(from) return walk_index(t, t.cancelled, tonumber(from)) end,
  function(from) return walk_index(t, t.completed, tonumber(from)) end,
  function(from) return walk_hash(t.tries, from, mend_tries) end,
}

-- The last step of what is about running jobs.
local LAST_OF_RUNNING = STEP_OF_RECORDS - 1

-- Goes on up to and with the last step; gives where the next one goes on, '' at the end.
local function walk(place, last)
  local step, from = string.match(place, '^(%d+):(%d[%d: ]*)$')
  step = tonumber(step)
  while step <= last and work.left > 0 and work.bytes > 0 do
    local next_from, back_to = STEPS[step](from)
    if back_to then
      step = back_to
    elseif next_from == '0' or string.find(next_from, MARKED_START) then
      step = step + 1
    end
    from = next_from
  end
  return step <= last and step .. ':' .. from or ''
end

-- A piece of both: what runs in no lease does not wait until the walk has come by all that has
-- ended, which may take hours, nor does what stands still. Where more runs than one piece compares,
-- the two take turns. Gives what is noted for the next one, and where to hurry on.
local function walk_both(noted)
  local rest, running, turn = string.match(noted, '^%d+ ?([^;]*);?([^;]*);?(%a?)$')
  local need = step_in_need(t)
  -- What is being lined up hides what is still missing.
  local is_marked = string.find(rest or '', '^[45]:%d+:%d')
  if need and not is_marked and not is_at_need(rest or '', need) then rest = need .. ':0' end
  local function go_on_running()
    running = walk(place_or(running, '1:0'), LAST_OF_RUNNING)
    return #kinds > 0 and running or ''
  end
  local hurry, rest_first = '', need or turn == 'r'
  if not rest_first then hurry = go_on_running() end
  if rest_first or running == '' then
    rest = walk(place_or(rest, LAST_OF_RUNNING + 1 .. ':0'), #STEPS)
  end
  if rest_first and work.left > 0 and work.bytes > 0 then go_on_running() end
  turn = running ~= '' and not rest_first and 'r' or ''
  local noted_next = table.concat({ rest or '', running or '', turn }, ';')
  return noted_next, place_or(hurry, rest or '')
end

local function is_time(noted)
  local at = tonumber(string.match(noted, '^%d+'))
  return not at or at > now_ms or now_ms - at >= PAUSE_MS
end

local function mend_moment()
  if heal_moment(t, now_ms) then note_mended('moments', 1) end
end

-- Gives where to go on.
local function compare()
  if urgent then
    local following = walk(place_or(from_place, '1:0'), #STEPS)
    mend_moment()
    return following
  end
  local field = 'mend ' .. t.name
  local noted = redis.call('HGET', META, field) or ''
  if not is_time(noted) then return '' end
  local noted_next, following = walk_both(noted)
  mend_moment()
  redis.call('HSET', META, field, this .. ' ' .. noted_next)
  return following
end

note_time(now_ms)
local seen, following = 0, ''
repeat
  seen = seen + 1
  t, known_line = task_keys(seen, ARGV[3 + seen]), nil
  following = compare()
  save_lengths()
  -- Else the last one of a call would live on what the others leave, round after round.
until seen == task_count or #kinds > 0 or work.left < PIECE / 2 or work.bytes < PIECE_BYTES / 2
return mended_answer(whole(seen), following)
