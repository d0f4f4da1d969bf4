-- slices: claiming what stands in line as bundles, or as parts of them.
-- @include lib/bundle.lua

-- Of a claim of fewer jobs each would read the whole bundle for a few of them.
local LEAST_SLICE = 8
local NOTHING = { count = 0, bytes = 0 }

-- How many more jobs stand in line than entries.
local function surplus_in_line(t)
  local b = bundles_of(t)
  return b and b.jobs - b.running - b.entries or 0
end

-- Up to n entries of jobs that are in no bundle, from the front of the line. What is noted may be
-- wrong, so that what is popped is looked at, too.
local function pop_ready(t, n)
  local b = bundles_of(t)
  if not b then return redis.call('LPOP', t.ready, n) or {} end
  local is_popped = b.entries <= 0
  local seen, count = nil, 0
  if is_popped then seen = redis.call('LPOP', t.ready, n) or {} end
  seen = seen or redis.call('LRANGE', t.ready, 0, n - 1)
  while seen[count + 1] and #seen[count + 1] ~= SLICE_SIZE do count = count + 1 end
  if not is_popped then return count > 0 and redis.call('LPOP', t.ready, count) or {} end
  if count == #seen then return seen end
  local back = {}
  for k = #seen, count + 1, -1 do back[#back + 1], seen[k] = seen[k], nil end
  redis.call('LPUSH', t.ready, unpack(back))
  -- One at least, so that this call pops no more of them in vain.
  b.entries, b.is_changed = 1, true
  return seen
end

-- The jobs of the entry at the front stand there one by one now; false: there were none.
local function part_front(t, entry)
  local b, bundle, from, to = t.bundled, slice_in(entry)
  local numbers = {}
  redis.call('LPOP', t.ready)
  b.entries, b.is_changed = b.entries - 1, true
  if bundle then
    read_states(b, t.bundles, { bundle })
    numbers = numbers_lettered(bundle, b.states[bundle] or '', 'r', from, to)
  end
  if #numbers == 0 then
    save_bundles(t)
    return false
  end
  single_out(t, numbers)
  table.sort(numbers, function(a, b) return a > b end)
  redis.call('LPUSH', t.ready, unpack(numbers))
  return true
end

-- The first in line, if it is of a bundle.
local function entry_in_front(t)
  local b = bundles_of(t)
  local entry = b and redis.call('LINDEX', t.ready, 0)
  return entry and #entry == SLICE_SIZE and entry or nil
end

-- The first jobs of a part of a bundle that are in line, up to the next one that is not: some may
-- have been cancelled. What is behind them goes back to the front. Gives their places; nil: there
-- are none.
local function cut_run(t, letters, bundle, from, to)
  local b, first = t.bundled, string.find(letters, 'r', from + 1, true)
  if not first or first > to + 1 then return nil end
  local stop = string.find(letters, '[^r]', first) or #letters + 1
  if stop > to + 1 then return first - 1, to end
  redis.call('LPUSH', t.ready, slice_text(bundle, stop - 1, to))
  b.entries, b.is_changed = b.entries + 1, true
  return first - 1, stop - 2
end

-- Claims what is in line of a part of a bundle.
local function take_slice(t, bundle, from, to)
  local b, text = t.bundled, nil
  if not bundle then return NOTHING end
  if b.states[bundle] == nil then
    local found = redis.call('HMGET', t.bundles, bundle, bundle .. 's')
    text, b.states[bundle] = found[1], found[2]
  else
    text = read_text(t, bundle)
  end
  local letters = b.states[bundle]
  if not text or not letters then return NOTHING end
  local count = to - from + 1
  local has_gap = string.sub(letters, from + 1, to + 1) ~= string.rep('r', count)
  if has_gap then
    from, to = cut_run(t, letters, bundle, from, to)
    if not from then return { count = 0, bytes = #text } end
    count = to - from + 1
  end
  if count < #letters then text = text_between(text, from, to, size_in(t, bundle)) end
  set_states(b, bundle,
    string.sub(letters, 1, from) .. string.rep('a', count) .. string.sub(letters, to + 2))
  b.running = b.running + count
  local joined = slice_text(bundle, from, to)
  return { joined = joined, count = count, text = text, bytes = #text, has_gap = has_gap }
end

-- Takes up to `limit` jobs' worth of the entry at the front; gives what it was.
local function cut_front(t, entry, limit)
  local b, bundle, from, to = t.bundled, slice_in(entry)
  redis.call('LPOP', t.ready)
  if bundle and to - from + 1 > limit then
    redis.call('LPUSH', t.ready, slice_text(bundle, from + limit, to))
    return bundle, from, from + limit - 1
  end
  b.entries, b.is_changed = b.entries - 1, true
  return bundle, from, to
end

-- The next part of a bundle, if that is what stands at the front, of `left` jobs at most. `limit`:
-- what is claimed in all; where that is little it is taken apart instead.
local function next_slice(t, limit, left, budget)
  local b = bundles_of(t)
  if not b or exists(t.prio) then return nil end
  while budget.hints > 0 do
    local entry = entry_in_front(t)
    if not entry then return nil end
    if limit >= LEAST_SLICE then
      local slice = take_slice(t, cut_front(t, entry, left))
      -- Each has a lease of its own, which a line with many gaps makes dear.
      budget.hints = budget.hints - (slice.has_gap and 10 or 1)
      budget.bytes = budget.bytes - slice.bytes
      return slice
    end
    if part_front(t, entry) then return nil end
    budget.hints = budget.hints - 1
  end
  return nil
end
