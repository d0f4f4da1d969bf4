-- lease-slice: a lease of a part of a bundle. Its text stays what it is: which of these jobs run is
-- told by their letters. A letter cannot be of another lease, since what goes back to the line
-- leaves its bundle. `t`: the keys of its task; without them nothing is in it.

local function letters_of(lease)
  local t, bundle = lease.t, lease.slice[1]
  local b = t and bundles_of(t)
  if not b then return nil end
  read_states(b, t.bundles, { bundle })
  return b.states[bundle] or nil
end

-- Where the letters are lost nothing can be done with any of them.
local function members_of_slice(lease)
  local letters = letters_of(lease)
  if not letters then return {} end
  return numbers_lettered(lease.slice[1], letters, 'a', lease.slice[2], lease.slice[3])
end

-- Those of these numbers of its bundle that run under it. Where the letters are lost all of them
-- may.
local function may_be_in_slice(lease, numbers)
  local found, letters = {}, #numbers > 0 and letters_of(lease)
  for _, number in ipairs(numbers) do
    local place = #number == NUMBER_SIZE and tonumber(string.sub(number, BUNDLE_SIZE + 1))
    local is_named = place and lease.t and place >= lease.slice[2] and place <= lease.slice[3]
    if is_named and (not letters or string.byte(letters, place + 1) == LETTER_A) then
      found[#found + 1] = number
    end
  end
  return found
end

-- Its number, if it is in it. Those that are taken out of the bundle by this call are in it until
-- they are dropped.
local function place_in_slice(lease, number)
  local bundle, from, to = lease.slice[1], lease.slice[2], lease.slice[3]
  if #number ~= BUNDLE_SIZE + 2 or string.sub(number, 1, BUNDLE_SIZE) ~= bundle then return nil end
  local place = tonumber(string.sub(number, BUNDLE_SIZE + 1))
  if not place or place < from or place > to then return nil end
  if lease.dropped and lease.dropped[number] then return nil end
  if lease.singled and lease.singled[number] then return number end
  local letters = letters_of(lease)
  return letters and string.byte(letters, place + 1) == LETTER_A and number or nil
end

local function drop_of_slice(lease, number)
  lease.dropped = lease.dropped or {}
  lease.dropped[number] = true
end

local function single_out_of_slice(lease, numbers)
  single_out(lease.t, numbers)
  lease.singled = lease.singled or {}
  for _, number in ipairs(numbers) do lease.singled[number] = true end
end

local function has_members(lease)
  local letters = letters_of(lease)
  if not letters then return redis.call('HEXISTS', lease.t.bundles, lease.slice[1]) == 1 end
  local at = string.find(letters, 'a', lease.slice[2] + 1, true)
  return at ~= nil and at <= lease.slice[3] + 1
end

local function without(slice, letters, named)
  local all = { string.byte(letters, 1, -1) }
  for k = 1, #named, 2 do
    local place = 10 * named[k] + named[k + 1] - 528
    if place < slice[2] or place > slice[3] or all[place + 1] ~= LETTER_A then return nil end
    all[place + 1] = LETTER_GONE
  end
  return string.char(unpack(all))
end

-- Each string that is made costs as much as a dozen of letters.
local FEW = 6

local function without_few(slice, letters, named)
  local sub = string.sub
  for k = 1, #named, 2 do
    local place = 10 * named[k] + named[k + 1] - 528
    if place < slice[2] or place > slice[3] then return nil end
    if string.byte(letters, place + 1) ~= LETTER_A then return nil end
    letters = sub(letters, 1, place) .. '-' .. sub(letters, place + 2)
  end
  return letters
end

-- These of its jobs end, all of them or those at these places: true, or nil if they are not all of
-- this lease.
local function end_in_slice(lease, joined)
  local t, slice, letters = lease.t, lease.slice, letters_of(lease)
  if not letters or string.sub(joined, 1, BUNDLE_SIZE) ~= slice[1] then return nil end
  if string.byte(joined, BUNDLE_SIZE + 1) ~= COLON then return nil end
  local b, n = t.bundled, 0
  if #joined == SLICE_SIZE then
    local bundle, from, to = slice_in(joined)
    if not bundle then return nil end
    n = to - from + 1
    if from < slice[2] or to > slice[3] then return nil end
    if string.sub(letters, from + 1, to + 1) ~= string.rep('a', n) then return nil end
    letters = string.sub(letters, 1, from) .. string.rep('-', n) .. string.sub(letters, to + 2)
  else
    local named = { string.byte(joined, BUNDLE_SIZE + 2, -1) }
    n = #named / 2
    if n < 1 or n % 1 ~= 0 then return nil end
    letters = (n <= FEW and without_few or without)(slice, letters, named)
    if not letters then return nil end
  end
  set_states(b, slice[1], letters)
  b.jobs, b.running = b.jobs - n, b.running - n
  t.ended_here = (t.ended_here or 0) + n
  return true
end

-- What a renewal wrote of jobs that had ended by then. What has left the bundle may run elsewhere.
local function forget_progress(lease)
  local slice, said, gone = lease.slice, {}, {}
  local numbers = numbers_in(spelled(slice[1], slice[2], slice[3]))
  for k, text in ipairs(redis.call('HMGET', PROGRESS, unpack(numbers))) do
    if text then said[#said + 1] = numbers[k] end
  end
  for _, number in ipairs(said) do
    local is_here = lease.t and redis.call('HEXISTS', lease.t.jobs, number) == 1
    if not is_here then gone[#gone + 1] = number end
  end
  if #gone > 0 then redis.call('HDEL', PROGRESS, unpack(gone)) end
end

-- Looking for what was said of their jobs costs as much as ending a dozen of them: of many leases
-- that end in one call, the others end when their time is over.
local MOST_LOOKED_AFTER = 50

-- Those of which nothing is left.
local function end_slices(leases)
  local count, is_said = 0, nil
  for _, lease in pairs(leases) do
    if not has_members(lease) then
      -- The ends of this call may have taken the last of it.
      if is_said == nil then is_said = exists(PROGRESS) and redis.call('EXISTS', PROGRESS) == 1 end
      if is_said and count < MOST_LOOKED_AFTER then forget_progress(lease) end
      if not is_said or count < MOST_LOOKED_AFTER then end_lease(lease) end
      count = count + 1
    end
  end
end
