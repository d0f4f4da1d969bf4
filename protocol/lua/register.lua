#!lua flags=allow-oom
-- register: writes definitions of schedules; never touches an occurrence that is due.
-- keys   shard, session
-- args   set or '' for run-time schedules · leaseMs · 1, or 0: what is not here may be in a shard
--        that was not asked · how many come from other shards · until when what those have said
--        holds, or 0: there are none · for each that comes: id, 1 if it was alive there or 0 for a
--        parcel, its fields as give has told · then for each schedule: id, task, definition,
--        digest, head without its end, payload, overlap, local 1|0, jitterMs, first occurrence or
--        '', decidedAt or '', generation or ''
-- does   what was given from here half a minute ago may arrive elsewhere: it is away until then,
--        and for whoever asked the other shards before it arrived there
-- gives  for each { outcome, generation, revision, cursor or '', contested 1|0, nowMs }; SMQLATE
--        when what was given may be back where it was, and what was not found be elsewhere now
-- since  protocol 2
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/schedule.lua
-- @include lib/parcel.lua
-- @include lib/ledger.lua
-- @include lib/registrations.lua
-- @include lib/offers.lua
-- @include lib/moved.lua
-- @include lib/wake-firer.lua
local ARGS = 12
local now_ms = now_us() / 1000
local this = math.floor(now_ms)
local set, lease_ms = ARGV[1], tonumber(ARGV[2])
local all_asked, given = ARGV[3] == '1', tonumber(ARGV[4])
local til = tonumber(ARGV[5])
if til > 0 and now_ms > til then
  return redis.error_reply('SMQLATE what the other shards have said came too late')
end
if set ~= '' then
  -- Whoever comes first after an outage must not take all others for gone.
  note_registrations(lease_ms, now_ms)
  renew_set(set, lease_ms, now_ms)
end
local live = read_registrations()

local function answer(outcome, s, over)
  return {
    outcome, whole(over.generation or 0), whole(s and s.revision or 0),
    s and s.next_at and whole(s.next_at) or '', over.contested and '1' or '0',
    whole(over.now or this),
  }
end

-- The digest in force has a live scheduler.
local function is_held_live(s, offers)
  return has_live(live, offer_of(offers, s.digest), now_ms)
end

local function is_contested(offers, digest)
  for _, offer in ipairs(offers) do
    if offer.digest ~= digest and has_live(live, offer, now_ms) then return true end
  end
  return false
end

local function conflicts(s, w, offers)
  if w.code and not s.code then return true end
  local other = w.code ~= s.code or (w.code and w.task ~= s.task)
  return other and s.code and is_held_live(s, offers)
end

-- Registered again: the pause of an orphan is over.
local function adopt(s)
  local paused = s.paused_at and s.orphaned
  if not paused or (s.paused_until and s.paused_until <= now_ms) then return false end
  s.paused_until = this
  return true
end

local function define(s, w, generation)
  s.task, s.definition, s.digest, s.head = w.task, w.definition, w.digest, w.head
  s.overlap, s.is_local, s.jitter, s.code = w.overlap, w.is_local, w.jitter, w.code
  s.generation, s.next_at = generation, w.first
  write_definition(s)
  if w.payload == '' then
    redis.call('HDEL', SCHEDULES, 'p' .. s.id)
  else
    redis.call('HSET', SCHEDULES, 'p' .. s.id, w.payload)
  end
  write_state(s)
end

local function add(w)
  local offers, generation = {}, 0
  if w.code then offers, generation = note_offer({}, w, live, now_ms) end
  if not w.decided and w.first and w.first + w.jitter <= now_ms then
    return answer('stale', nil, { generation = generation })
  end
  local s = { id = w.id, revision = 1, decided = w.decided or 0, fired = 0, reason = '' }
  define(s, w, generation)
  add_name(w.id)
  if w.code then write_offers(w.id, offers) end
  return answer('added', s, { generation = generation })
end

local function keep(s, w, over)
  local changed = false
  if w.decided and w.decided > s.decided then
    s.decided, changed = w.decided, true
    if s.next_at and s.next_at <= s.decided then s.next_at = w.first end
  end
  if adopt(s) then
    s.revision, changed = s.revision + 1, true
    write_definition(s)
  end
  if changed then write_state(s) end
  return answer('unchanged', s, over)
end

local function change(s, w, over)
  local latest = math.max(this, math.max(s.decided, w.decided or 0) + w.jitter)
  if w.first and w.first + w.jitter <= latest then
    over.now = latest
    return answer('stale', s, over)
  end
  if w.task ~= s.task then leave_task(s, now_ms) end
  write_ledger(s)
  s.decided, s.revision = math.max(s.decided, w.decided or 0), s.revision + 1
  adopt(s)
  define(s, w, over.generation)
  if over.contested then raise_registrations() end
  return answer('changed', s, over)
end

-- It was on its way from here when the other shards were asked, or has gone since.
local function is_elsewhere(id)
  if til == 0 then return is_moving(id, nil, now_ms) end
  local asked_at = til - TAKEN_IN_MS
  return is_moving(id, nil, asked_at) or has_left_since(id, asked_at, now_ms)
end

local function register(w)
  local s = read_schedule(w.id)
  if not s and not all_asked then return answer('away', nil, {}) end
  if not s and is_elsewhere(w.id) then return answer('away', nil, {}) end
  s = s or put_back(w.id)
  if not s then return add(w) end
  local offers = s.code and read_offers(w.id) or {}
  if conflicts(s, w, offers) then return answer('conflict', s, {}) end
  local over = { generation = 0 }
  if w.code then
    offers, over.generation = note_offer(offers, w, live, now_ms)
    write_offers(w.id, offers)
    over.contested = is_contested(offers, w.digest)
  end
  if s.digest == w.digest and s.code == w.code and s.task == w.task then
    return keep(s, w, over)
  end
  if w.code and in_force(offers, s.digest, live, now_ms) ~= w.digest then
    return answer('superseded', s, over)
  end
  -- During a pause as well: what was skipped so far has to stand in the ledger.
  if s.next_at and s.next_at + s.jitter <= now_ms then return answer('due', s, over) end
  local changed = change(s, w, over)
  if changed[1] == 'changed' and not w.code then redis.call('HDEL', SCHEDULES, 'g' .. w.id) end
  return changed
end

-- Of two parcels the newer counts, and what is alive is newer than any.
local function take(id, alive, fields)
  if is_elsewhere(id) then return false end
  local revision = tonumber(string.match(fields[1], '^%d+'))
  if not alive and parcel_revision(id) > revision then return false end
  return take_in(id, fields) ~= nil
end

local PARCEL, taken = 2 + #KINDS_OF_FIELDS, {}
local DONE = { added = true, changed = true, unchanged = true }
local first = 6 + given * PARCEL
for k = 6, first - 1, PARCEL do
  taken[ARGV[k]] = take(ARGV[k], ARGV[k + 1] == '1', { unpack(ARGV, k + 2, k + PARCEL - 1) })
end
local answers = {}
for k = first, #ARGV, ARGS do
  local w = {
    id = ARGV[k], task = ARGV[k + 1], definition = ARGV[k + 2], digest = ARGV[k + 3],
    head = ARGV[k + 4], payload = ARGV[k + 5], overlap = tonumber(ARGV[k + 6]),
    is_local = ARGV[k + 7] == '1', jitter = tonumber(ARGV[k + 8]), first = tonumber(ARGV[k + 9]),
    decided = tonumber(ARGV[k + 10]), generation = tonumber(ARGV[k + 11]), code = set ~= '',
    set = set,
  }
  local said = register(w)
  answers[#answers + 1] = said
  -- It stays where it was, in the shard of its task.
  if taken[w.id] and not DONE[said[1]] then forget_schedule(read_schedule(w.id)) end
end
refresh_groups(wake_firer)
return answers
