-- single-out: jobs that leave their bundles, to be treated by themselves or because they end.
-- Their places, by the bundles that they would be in; these; and what is no number.
local function by_bundle(numbers)
  local places, bundles, others, sub, byte = {}, {}, {}, string.sub, string.byte
  for k = 1, #numbers do
    local number = numbers[k]
    local tens, ones = byte(number, BUNDLE_SIZE + 1, BUNDLE_SIZE + 2)
    if #number == NUMBER_SIZE and tens >= 48 and ones >= 48 and tens <= 57 and ones <= 57 then
      local bundle = sub(number, 1, BUNDLE_SIZE)
      local here = places[bundle]
      if not here then
        here = {}
        places[bundle], bundles[#bundles + 1] = here, bundle
      end
      here[#here + 1] = 10 * tens + ones - 528
    else
      others[#others + 1] = number
    end
  end
  return places, bundles, others
end

-- These jobs are in no bundle any more. Gives those that were in none.
local function leave_bundles(t, numbers)
  local b = bundles_of(t)
  if not b then return numbers end
  local places, bundles, others = by_bundle(numbers)
  read_states(b, t.bundles, bundles)
  for _, bundle in ipairs(bundles) do
    local letters, here = b.states[bundle], places[bundle]
    local all, left, running = letters and { string.byte(letters, 1, -1) }, 0, 0
    for k = 1, #here do
      local letter = all and all[here[k] + 1]
      if letter == LETTER_R or letter == LETTER_A then
        all[here[k] + 1], left = LETTER_GONE, left + 1
        if letter == LETTER_A then running = running + 1 end
      else
        others[#others + 1] = bundle .. string.format('%02d', here[k])
      end
    end
    b.jobs, b.running = b.jobs - left, b.running - running
    if left > 0 then set_states(b, bundle, string.char(unpack(all))) end
  end
  return others
end

-- These jobs become jobs like all others, if they are in a bundle; those in line stand there still.
local function single_out(t, numbers)
  if not bundles_of(t) then return end
  local fields, running, singled = {}, {}, {}
  read_states_of(t, numbers)
  for _, number in ipairs(numbers) do
    local bundle, place, letter = place_in_bundle(t.bundled, number)
    local record = bundle and record_in(t, bundle, place)
    if record then
      singled[#singled + 1] = number
      fields[#fields + 1], fields[#fields + 2] = number, record
      if letter == 'a' then running[#running + 1] = number end
    end
  end
  if #fields == 0 then return end
  redis.call('HSET', t.jobs, unpack(fields))
  if #running > 0 then redis.call('SADD', t.claimed, unpack(running)) end
  leave_bundles(t, singled)
  save_bundles(t)
end
