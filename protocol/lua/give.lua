#!lua flags=allow-oom
-- give: hands out schedules with all that they have, and forgets them here: whoever registers them
-- for a task of another shard takes them in there. What may not move yet stays.
-- keys   shard, session
-- args   1 for definitions of code, 0 for run-time ones · schedule ids
-- gives  for each that is here { id, given, conflict or due, revision, cursor or '', nowMs, then
--        if given its fields d s p o b f u g, '' where there is none }
-- since  protocol 3
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/schedule.lua
-- @include lib/registrations.lua
-- @include lib/offers.lua
local code, now_ms = ARGV[1] == '1', now_us() / 1000
local live = read_registrations()

-- The same that register asks where both tasks are in one shard.
local function outcome_for(s)
  if code and not s.code then return 'conflict' end
  local offer = s.code and offer_of(read_offers(s.id), s.digest)
  if has_live(live, offer, now_ms) then return 'conflict' end
  if s.next_at and s.next_at + s.jitter <= now_ms then return 'due' end
  return 'given'
end

local found = {}
for k = 2, #ARGV do
  local s = read_schedule(ARGV[k])
  if s then
    local entry = {
      s.id, outcome_for(s), whole(s.revision), s.next_at and whole(s.next_at) or '',
      whole(math.floor(now_ms)),
    }
    if entry[2] == 'given' then
      for _, letter in ipairs(KINDS_OF_FIELDS) do
        entry[#entry + 1] = redis.call('HGET', SCHEDULES, letter .. s.id) or ''
      end
      forget_schedule(s)
    end
    found[#found + 1] = entry
  end
end
return found
