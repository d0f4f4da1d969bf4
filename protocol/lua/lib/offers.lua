-- offers: the definitions of a schedule that were registered, and which of them is in force: that
-- of the highest generation with a live set; without any, the last one stays.
-- Field `g`: lines of `digest generation registeredAt set set …`.
local MOST_OFFERS, MOST_SETS_PER_OFFER = 10, 30

local function parse_offers(text)
  local offers = {}
  for digest, generation, at, sets in string.gmatch(text or '', '(%S+) (%d+) (%d+)([^\n]*)') do
    local offer = {
      digest = digest, generation = tonumber(generation), at = tonumber(at), sets = {},
    }
    for set in string.gmatch(sets, '%S+') do offer.sets[#offer.sets + 1] = set end
    offers[#offers + 1] = offer
  end
  return offers
end

local function read_offers(id)
  return parse_offers(redis.call('HGET', SCHEDULES, 'g' .. id))
end

local function write_offers(id, offers)
  local lines = {}
  for k, offer in ipairs(offers) do
    local sets = #offer.sets > 0 and ' ' .. table.concat(offer.sets, ' ') or ''
    lines[k] = offer.digest .. ' ' .. whole(offer.generation) .. ' ' .. whole(offer.at) .. sets
  end
  redis.call('HSET', SCHEDULES, 'g' .. id, table.concat(lines, '\n'))
end

local function offer_of(offers, digest)
  for _, offer in ipairs(offers) do
    if offer.digest == digest then return offer end
  end
end

local function has_live(r, offer, now_ms)
  for _, set in ipairs(offer and offer.sets or {}) do
    if is_live(r, set, now_ms) then return true end
  end
  return false
end

-- Notes that a digest is registered in a set; a new one is a generation of its own. Gives all
-- offers and the generation.
local function note_offer(offers, given, r, now_ms)
  local known, highest, others = nil, 0, {}
  for _, offer in ipairs(offers) do
    highest = math.max(highest, offer.generation)
    if offer.digest == given.digest then known = offer else others[#others + 1] = offer end
  end
  local generation = known and known.generation or given.generation or highest + 1
  local dead, live = {}, {}
  for _, set in ipairs(known and known.sets or {}) do
    local list = is_live(r, set, now_ms) and live or dead
    if set ~= given.set then list[#list + 1] = set end
  end
  for _, set in ipairs(live) do dead[#dead + 1] = set end
  dead[#dead + 1] = given.set
  while #dead > MOST_SETS_PER_OFFER do table.remove(dead, 1) end
  local noted = {
    digest = given.digest, generation = generation, at = math.floor(now_ms), sets = dead,
  }
  local place = #others + 1
  while place > 1 and others[place - 1].generation > generation do place = place - 1 end
  table.insert(others, place, noted)
  while #others > MOST_OFFERS do table.remove(others, 1) end
  return others, generation
end

local function in_force(offers, current, r, now_ms)
  local best
  for _, offer in ipairs(offers) do
    if has_live(r, offer, now_ms) then
      local same = best and offer.generation == best.generation
      local higher = not best or offer.generation > best.generation
      if higher or (same and offer.digest == current) then best = offer end
    end
  end
  return best and best.digest or current
end

-- Until when a live scheduler has registered the definition in force, as far as is known.
local function registered_until(s, offers, r)
  if not s.code then return nil end
  local offer, latest = offer_of(offers, s.digest), nil
  if not offer then return nil end
  for _, set in ipairs(offer.sets) do
    if r.ends[set] then latest = math.max(latest or 0, r.ends[set]) end
  end
  -- After an outage nobody counts as gone for a while.
  return latest and math.max(latest, r.grace) or offer.at
end
