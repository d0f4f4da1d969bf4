-- mend-bundles: whether what is noted of bundles fits together. `known`: what stands in line.
-- @include lib/bundle.lua
-- @include lib/lease.lua
-- @include lib/piece.lua
-- @include lib/need.lua
local BUNDLES_A_PAGE = 3

-- Adds the numbers of a bundle that have this letter.
local function add_lettered(numbers, bundle, letters, letter)
  for place = 0, #letters - 1 do
    if string.sub(letters, place + 1, place + 1) == letter then
      numbers[#numbers + 1] = bundle .. string.format('%02d', place)
    end
  end
end

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

local function note_slice(known, bundle, from, to)
  known[bundle] = known[bundle] or {}
  table.insert(known[bundle], { from, to })
end

local function is_in_line(known, bundle, place)
  for _, part in ipairs(known[bundle] or {}) do
    if place >= part[1] and place <= part[2] then return true end
  end
  return false
end

-- A page of what runs in bundles.
local function page_of_bundled(t, from)
  local b = bundles_of(t)
  if b and b.running <= 0 then return '0', {} end
  local page = redis.call('HSCAN', t.bundles, from, 'COUNT', BUNDLES_A_PAGE)
  local here = {}
  for k = 1, #page[2], 2 do
    local bundle = string.match(page[2][k], '^(%d+)s$')
    work.bytes = work.bytes - #page[2][k + 1]
    if bundle then add_lettered(here, bundle, page[2][k + 1], 'a') end
  end
  work.left = work.left - 1 - #here
  return page[1], here
end

-- Counted anew where a call can see all of them; else what is counted wrong is so until it can.
local MOST_COUNTED = 60

local function recount(t)
  local before = bundles_of(t)
  local fields = redis.call('HLEN', t.bundles)
  if fields == 0 then return 0 end
  local now = { jobs = 0, running = 0, entries = 0 }
  if fields > MOST_COUNTED or redis.call('LLEN', t.ready) > MOST_COUNTED then
    if before then return 0 end
    now.jobs = fields
  else
    local cursor = '0'
    repeat
      local page = redis.call('HSCAN', t.bundles, cursor, 'COUNT', MOST_COUNTED)
      for k = 1, #page[2], 2 do
        if string.find(page[2][k], '^%d+s$') then
          local letters = page[2][k + 1]
          local _, gone = string.gsub(letters, '-', '-')
          local _, running = string.gsub(letters, 'a', 'a')
          now.jobs, now.running = now.jobs + #letters - gone, now.running + running
        end
        work.bytes = work.bytes - #page[2][k + 1]
      end
      cursor = page[1]
    until cursor == '0'
    for _, entry in ipairs(redis.call('LRANGE', t.ready, 0, MOST_COUNTED)) do
      if #entry == SLICE_SIZE then now.entries = now.entries + 1 end
    end
  end
  if before and before.jobs == now.jobs and before.running == now.running
      and before.entries == now.entries then
    return 0
  end
  t.bundled = nil
  redis.call('HSET', t.bundles, 'n', now.jobs, 'a', now.running, 'e', now.entries)
  return 1
end

-- Its records or its letters were lost. Without letters nobody knows what has ended: what stands in
-- line has not begun, and all else is taken for running, under a lease of nobody. Gives of how many
-- jobs something was lost.
local function mend_bundle(t, bundle, known, lease_to_nobody)
  local b = bundles_of(t)
  if not b then return 0 end
  read_states(b, t.bundles, { bundle })
  local letters, text = b.states[bundle], nil
  if letters and redis.call('HEXISTS', t.bundles, bundle) == 1 then return 0 end
  if letters then
    local all = {}
    add_lettered(all, bundle, letters, 'r')
    add_lettered(all, bundle, letters, 'a')
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
  for k, number in ipairs(numbers) do
    local is_ready = is_in_line(known, bundle, k - 1) and not leases[number]
    found[k] = is_ready and 'r' or 'a'
    if not is_ready and not leases[number] then homeless[#homeless + 1] = number end
  end
  letters = table.concat(found)
  local _, running = string.gsub(letters, 'a', 'a')
  b.jobs, b.running = b.jobs + #letters, b.running + running
  set_states(b, bundle, letters)
  save_bundles(t)
  lease_to_nobody(homeless)
  return #letters
end

-- Those that are ready and stand in no line join it again, as parts of their bundle; gives how
-- many.
local function line_up(t, bundle, known)
  local b, count, from = bundles_of(t), 0, nil
  local letters = b and b.states[bundle]
  if not letters then return 0 end
  for place = 0, #letters do
    local is_ready = string.sub(letters, place + 1, place + 1) == 'r'
    if is_ready and not is_in_line(known, bundle, place) then
      from, count = from or place, count + 1
    elseif from then
      redis.call('RPUSH', t.ready, slice_text(bundle, from, place - 1))
      note_slice(known, bundle, from, place - 1)
      b.entries, b.is_changed, from = b.entries + 1, true, nil
    end
  end
  if count > 0 then redis.call('ZADD', MOMENTS, 0, t.name) end
  return count
end

-- Bundles without letters or records, jobs in them that are ready and stand in no line, and how
-- many there are. `line`: what stands in it, whether that is all or it does not matter, and whether
-- some must be missing.
local function walk_bundles(t, from, line, lease_to_nobody)
  local known, is_known, is_short = line[1], line[2], line[3]
  if from == '0' or not bundles_of(t) then note_mended('counts', recount(t)) end
  local page = redis.call('HSCAN', t.bundles, from, 'COUNT', BUNDLES_A_PAGE)
  for k = 1, #page[2], 2 do
    work.bytes, work.left = work.bytes - #page[2][k + 1], work.left - 1
    local bundle, letter = string.match(page[2][k], '^(%d+)(s?)$')
    if bundle then note_mended('running', mend_bundle(t, bundle, known, lease_to_nobody)) end
    -- A bundle has several fields, which may stand in several pages.
    if letter == 's' and is_known then note_mended('ready', line_up(t, bundle, known)) end
  end
  local b = bundles_of(t)
  if b and page[1] == '0' then
    -- All that is ready stands in line now, some of it twice where the line was too long to be
    -- read: what it has beside single jobs is of bundles.
    local singles = redis.call('HLEN', t.jobs) - redis.call('SCARD', t.claimed)
    local entries = math.max(0, count_entries(t) - singles)
    if is_short and entries ~= b.entries then b.entries, b.is_changed = entries, true end
  end
  save_bundles(t)
  return page[1]
end
