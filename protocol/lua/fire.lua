#!lua
-- fire: decides due occurrences of schedules of one task, each if cursor and revision are as seen.
-- keys   shard, session, the group of the task
-- args   task name · keep rules (8) · then for each schedule: id, revision, cursor seen or '',
--        next cursor or '', number of decisions, decisions: 'f<instant>,<catch-up 1|0>,<missed>'
--        fires, 'p<reason letter>,<from>,<to>,<count>' does not
-- gives  for each '' (not as seen, not due, held, or no room left), else '!' and outcomes joined
--        by ';': 'number,created 1|0,state letter,dueAt' fired, b buffered, sv skipped for overlap,
--        sf because too many wait, p passed
-- since  protocol 2
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/overlap.lua
-- @include lib/hold.lua
local MOST_FIRED, MOST_FIRED_BYTES = 50, 4 * 1024 * 1024
local t, keep = task_keys(1, ARGV[1]), keep_rules(2)
local now = now_us()
local now_ms = now / 1000
local made, bytes, any_ready, full = 0, 0, false, false
local held = held_until(now_ms)

local function is_paused(s)
  return s.paused_at and not (s.paused_until and s.paused_until <= now_ms)
end

-- What is given up can be noted during a pause, too: before the definition is changed.
local function is_as_seen(s, revision, seen, only_passes)
  if not s or s.task ~= t.name or s.revision ~= revision or s.next_at ~= seen then return false end
  if is_paused(s) and not only_passes then return false end
  return not (seen and seen + s.jitter > now_ms)
end

local function read_decisions(from, n)
  local decisions, fires = {}, 0
  for k = 0, n - 1 do
    local text = ARGV[from + k]
    local at, catchup, missed = string.match(text, '^f(%-?%d+),(%d),(%d+)$')
    if at then
      local how = catchup == '1' and 'c' or 'd'
      decisions[k + 1] = {
        fires = true, at = tonumber(at), catchup = how == 'c', missed = tonumber(missed), how = how,
      }
      fires = fires + 1
    else
      local reason, first, last, count = string.match(text, '^p(%a),(%-?%d+),(%-?%d+),(%d+)$')
      decisions[k + 1] = {
        reason = reason, from = tonumber(first), to = tonumber(last), count = tonumber(count),
      }
    end
  end
  return decisions, fires
end

local function decide(s, d)
  if not d.fires then
    note_passed(s, d, now_ms)
    return 'p', d.to
  elseif d.at <= s.decided then
    return 'p', d.at
  end
  local outcome, ready, size = fire_occurrence(t, s, d, s.overlap, keep, now)
  any_ready, bytes = any_ready or ready, bytes + size
  if ready then made = made + 1 end
  if ready or outcome == 'b' then s.fired = s.fired + 1 end
  return outcome, d.at
end

-- Room is asked for before the first write; one schedule is decided as a whole.
local function has_room(s, fires)
  if made == 0 or fires == 0 then return true end
  local size = redis.call('HSTRLEN', SCHEDULES, 'p' .. s.id) + #s.head + 100
  return made + fires <= MOST_FIRED and bytes + fires * size <= MOST_FIRED_BYTES
end

local function fire(s, decisions, seen, following)
  if s.overlap ~= ALLOW then
    load_overlap(t, s)
    any_ready = release(t, s, now) or any_ready
    -- A long buffer is read and written as a whole.
    made = made + math.floor(#s.buffer / 1000)
  end
  local outcomes, decided = {}, math.max(s.decided, seen or 0)
  for k, d in ipairs(decisions) do
    local outcome, at = decide(s, d)
    outcomes[k], decided = outcome, math.max(decided, at)
  end
  s.decided, s.next_at = decided, following
  if not is_paused(s) then
    s.paused_at, s.paused_until, s.orphaned, s.reason = nil, nil, false, ''
  end
  write_state(s)
  write_ledger(s)
  write_overlap(s)
  return '!' .. table.concat(outcomes, ';')
end

local answers, i = {}, 2 + KEEP_ARGS
while i <= #ARGV do
  local revision, seen, following = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), ARGV[i + 3]
  local n = tonumber(ARGV[i + 4])
  local s = not held and not full and read_schedule(ARGV[i]) or nil
  local answer = ''
  local decisions, fires = read_decisions(i + 5, n)
  if is_as_seen(s, revision, seen, n > 0 and fires == 0) then
    full = not has_room(s, fires)
    if not full then answer = fire(s, decisions, seen, tonumber(following)) end
  end
  answers[#answers + 1] = answer
  i = i + 5 + n
end
save_ends()
refresh_groups(nil)
if any_ready then wake_one(t) end
return answers
