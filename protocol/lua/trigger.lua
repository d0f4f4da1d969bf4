#!lua
-- trigger: fires occurrences beside the cursor, also of a schedule that is paused.
-- keys   shard, session, the group of the task
-- args   task name, as the caller believes · schedule id · overlap policy or '' · keep rules (8) ·
--        instants, or none for now
-- gives  {} not known, { task name } of another task, else { task name, then 'instant', outcome as
--        fire gives it … }
-- since  protocol 2
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/overlap.lua
local t, s = task_keys(1, ARGV[1]), read_schedule(ARGV[2])
if not s then return {} end
if s.task ~= t.name then return { s.task } end
local overlap, keep = tonumber(ARGV[3]) or s.overlap, keep_rules(4)
local now = now_us()
local answers, any_ready = { t.name }, false

local function is_waiting(s, entry)
  for _, waiting in ipairs(s.buffered) do
    if waiting == entry then return true end
  end
  local at = string.find(s.buffer, entry, 1, true)
  while at do
    local before, after = string.byte(s.buffer, at - 1), string.byte(s.buffer, at + #entry)
    if (at == 1 or before == 32) and (not after or after == 32) then return true end
    at = string.find(s.buffer, entry, at + 1, true)
  end
  return false
end

-- What was asked for before: a job with its id is known, or it waits.
local function asked_before(o)
  local number, state, due = known(t, s.id .. '@' .. whole(o.at), now / 1000)
  if number then return number .. ',0,' .. state .. ',' .. due end
  if s.buffer and is_waiting(s, text_of(o)) then return 'b' end
end

local function trigger(o)
  local outcome, ready = o.how == 'b' and asked_before(o) or nil, false
  if not outcome then outcome, ready = fire_occurrence(t, s, o, overlap, keep, now) end
  any_ready = any_ready or ready
  answers[#answers + 1] = whole(o.at)
  answers[#answers + 1] = outcome
end

-- What was filled in behind the cursor is decided, also when a clock that goes back puts the cursor
-- of another definition before it.
local function note_decided(at)
  if at <= s.decided or (s.next_at and at >= s.next_at) then return false end
  s.decided = at
  return true
end

if overlap ~= ALLOW or s.overlap ~= ALLOW then
  load_overlap(t, s)
  any_ready = release(t, s, now)
end
local first, changed = 4 + KEEP_ARGS, false
for k = first, #ARGV do
  local at = tonumber(ARGV[k])
  trigger({ at = at, catchup = true, missed = 0, how = 'b' })
  changed = note_decided(at) or changed
end
if #ARGV < first then
  trigger({ at = math.floor(now / 1000), catchup = false, missed = 0, how = 't' })
end
if changed then write_state(s) end
write_ledger(s)
write_overlap(s)
save_ends()
if any_ready then wake_one(t) end
return answers
