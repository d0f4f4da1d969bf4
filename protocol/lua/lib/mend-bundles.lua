-- mend-bundles: whether what is noted of bundles fits together. `parts`: what stands in line.
-- @include lib/bundle.lua
-- @include lib/lease.lua
-- @include lib/piece.lua
-- @include lib/need.lua
local BUNDLES_A_PAGE = 3

-- What a lease was given runs or is gone, whatever its letters say; gives how many these were.
local function note_running(t, slice)
  local b, changed = bundles_of(t), 0
  if not b then return 0 end
  read_states(b, t.bundles, { slice[1] })
  local letters = b.states[slice[1]]
  if not letters then return 0 end
  local part = string.sub(letters, slice[2] + 1, slice[3] + 1)
  part, changed = string.gsub(part, 'r', 'a')
  if changed == 0 then return 0 end
  set_states(b, slice[1],
    string.sub(letters, 1, slice[2]) .. part .. string.sub(letters, slice[3] + 2))
  b.running = b.running + changed
  save_bundles(t)
  return changed
end

local function add_all(numbers, more)
  for _, number in ipairs(more) do numbers[#numbers + 1] = number end
end

local function note_slice(parts, bundle, from, to)
  if not bundle then return end
  parts[bundle] = parts[bundle] or {}
  table.insert(parts[bundle], { from, to })
end

local function is_in_line(parts, bundle, place)
  for _, part in ipairs(parts[bundle] or {}) do
    if place >= part[1] and place <= part[2] then return true end
  end
  return false
end

-- A page of what runs in bundles.
local function page_of_bundled(t, from)
  local b = bundles_of(t)
  if b and b.running == 0 then return '0', {} end
  local page = redis.call('HSCAN', t.bundles, from, 'COUNT', BUNDLES_A_PAGE)
  local here = {}
  for k = 1, #page[2], 2 do
    local bundle = string.match(page[2][k], '^(%d+)s$')
    work.bytes = work.bytes - #page[2][k + 1]
    if bundle then add_all(here, numbers_lettered(bundle, page[2][k + 1], 'a')) end
  end
  work.left = work.left - 1 - #here
  return page[1], here
end

-- Counted anew where a call can see all of them; else what is counted wrong is so until it can.
local MOST_COUNTED, MOST_PER_FIELD = 60, 50

local function count_parts(key, most)
  local parts = 0
  for _, entry in ipairs(redis.call('LRANGE', key, 0, most)) do
    if #entry == SLICE_SIZE then parts = parts + 1 end
  end
  return parts
end

local function count_bundled(t)
  local jobs, running, cursor = 0, 0, '0'
  repeat
    local page = redis.call('HSCAN', t.bundles, cursor, 'COUNT', MOST_COUNTED)
    for k = 1, #page[2], 2 do
      if string.find(page[2][k], '^%d+s$') then
        local letters = page[2][k + 1]
        local _, gone = string.gsub(letters, '-', '-')
        local _, here = string.gsub(letters, 'a', 'a')
        jobs, running = jobs + #letters - gone, running + here
      end
      work.bytes = work.bytes - #page[2][k + 1]
    end
    cursor = page[1]
  until cursor == '0'
  return jobs, running
end

local function has_bundles(t)
  local counters = 0
  for _, text in ipairs(redis.call('HMGET', t.bundles, 'n', 'a', 'e')) do
    if text then counters = counters + 1 end
  end
  return redis.call('HLEN', t.bundles) > counters
end

local function set_counters(t, jobs, running, entries)
  local b = bundles_of(t)
  local is_same = b and b.jobs == jobs and b.running == running and b.entries == entries
  if jobs == 0 and entries == 0 and not has_bundles(t) then
    t.bundled = nil
    redis.call('HDEL', t.bundles, 'n', 'a', 'e')
  elseif not is_same then
    t.bundled = nil
    redis.call('HSET', t.bundles, 'n', whole(jobs), 'a', whole(running), 'e', whole(entries))
  end
  return is_same and 0 or 1
end

-- Gives whether that changed anything, and whether all were counted.
local function recount(t)
  local fields, length = redis.call('HLEN', t.bundles), redis.call('LLEN', t.ready)
  if fields == 0 then return 0, true end
  if fields <= MOST_COUNTED and length <= MOST_COUNTED then
    local jobs, running = count_bundled(t)
    return set_counters(t, jobs, running, count_parts(t.ready, length)), true
  end
  if bundles_of(t) then return 0, false end
  -- Better too many: what is not counted looks as if it were not there.
  return set_counters(t, MOST_PER_FIELD * fields, 1, length), false
end

-- It is a job by itself now.
local function has_left(t, number)
  return redis.call('HEXISTS', t.jobs, number) == 1 or is_later(t, number)
    or redis.call('HEXISTS', t.ended, number) == 1
end

-- Its records or its letters were lost. Without letters nobody knows what has ended: what stands in
-- line has not begun, and all else is taken for running, under a lease of nobody. Gives of how many
-- jobs something was lost.
local function mend_bundle(t, bundle, parts, lease_to_nobody)
  local b = bundles_of(t)
  if not b then return 0 end
  read_states(b, t.bundles, { bundle })
  local letters, text = b.states[bundle], nil
  if letters and redis.call('HEXISTS', t.bundles, bundle) == 1 then return 0 end
  if letters then
    local all = numbers_lettered(bundle, letters, 'r')
    add_all(all, numbers_lettered(bundle, letters, 'a'))
    leave_bundles(t, all)
    save_bundles(t)
    return #all
  end
  text = redis.call('HGET', t.bundles, bundle)
  if not text then return 0 end
  local _, count = string.gsub(text, '%z', '')
  local numbers, found, homeless = {}, {}, {}
  for place = 0, math.min(count, 99) do
    numbers[place + 1] = bundle .. string.format('%02d', place)
  end
  local leases = leases_of(t, numbers, math.huge)
  work.left = work.left - redis.call('HLEN', LEASE)
  for k, number in ipairs(numbers) do
    local is_ready = is_in_line(parts, bundle, k - 1) and not leases[number]
    found[k] = has_left(t, number) and '-' or is_ready and 'r' or 'a'
    if found[k] == 'a' and not leases[number] then homeless[#homeless + 1] = number end
  end
  letters = table.concat(found)
  local _, running = string.gsub(letters, 'a', 'a')
  local _, gone = string.gsub(letters, '-', '-')
  b.jobs, b.running = b.jobs + #letters - gone, b.running + running
  set_states(b, bundle, letters)
  save_bundles(t)
  lease_to_nobody(homeless)
  return #letters
end

-- Those that are ready and stand in no line join it again, as parts of their bundle; gives how
-- many.
local function line_up(t, bundle, parts)
  local b, count, from = bundles_of(t), 0, nil
  local letters = b and b.states[bundle]
  if not letters then return 0 end
  for place = 0, #letters do
    local is_ready = string.sub(letters, place + 1, place + 1) == 'r'
    if is_ready and not is_in_line(parts, bundle, place) then
      from, count = from or place, count + 1
    elseif from then
      redis.call('RPUSH', t.ready, slice_text(bundle, from, place - 1))
      note_slice(parts, bundle, from, place - 1)
      b.entries, b.is_changed, from = b.entries + 1, true, nil
    end
  end
  if count > 0 then redis.call('ZADD', MOMENTS, 0, t.name) end
  return count
end

-- How long the records of a bundle that is no more were.
local function forget_size(t, bundle)
  local b = bundles_of(t)
  if b then read_states(b, t.bundles, { bundle }) end
  if b and b.states[bundle] or redis.call('HEXISTS', t.bundles, bundle) == 1 then return end
  redis.call('HDEL', t.bundles, bundle .. 'z')
  note_mended('counts', 1)
end

-- A page of the bundles: those without letters or records, and jobs in them that are ready and
-- stand in no line. `parts`: what stands in it; `lines_up`: that is all, or it does not matter.
local function page_of_bundles(t, from, parts, lines_up, lease_to_nobody)
  local page = redis.call('HSCAN', t.bundles, from, 'COUNT', BUNDLES_A_PAGE)
  for k = 1, #page[2], 2 do
    work.bytes, work.left = work.bytes - #page[2][k + 1], work.left - 1
    local bundle, letter = string.match(page[2][k], '^(%d+)([sz]?)$')
    if letter == 'z' then
      forget_size(t, bundle)
    elseif bundle then
      note_mended('running', mend_bundle(t, bundle, parts, lease_to_nobody))
    end
    -- A bundle has several fields, which may stand in several pages.
    if letter == 's' and lines_up then note_mended('ready', line_up(t, bundle, parts)) end
  end
  save_bundles(t)
  return page[1]
end
