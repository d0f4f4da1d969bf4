-- ledger: what became of a schedule's occurrences. `f`: lines of those that fired, `scheduledFor
-- lagMicros how instance`, the job's number being scheduledFor × 1000 + lagMicros. `u`: rows of
-- those that passed, `reason from to count decidedAt instance`. A hundred of each are kept.
local MOST_KEPT = 100
-- The first 8 characters of the caller's identity, which ends the name of its session.
local INSTANCE = string.sub(SESSION, #META + 5, #META + 12)

local function lines_of(field)
  local lines = {}
  for line in string.gmatch(redis.call('HGET', SCHEDULES, field) or '', '[^\n]+') do
    lines[#lines + 1] = line
  end
  return lines
end

local function load_fired(s)
  if s.fired_lines then return end
  s.fired_lines, s.last_fired = lines_of('f' .. s.id), -math.huge
  for _, line in ipairs(s.fired_lines) do
    s.last_fired = math.max(s.last_fired, tonumber(string.match(line, '^%S+')))
  end
end

-- how: d due, c catch-up, t trigger, b backfill.
local function note_fired(s, at, number, how)
  load_fired(s)
  local lag = tonumber(number) - at * 1000
  s.fired_lines[#s.fired_lines + 1] =
    string.format('%.0f %.0f %s %s', at, lag, how, INSTANCE)
  s.last_fired, s.fired_changed = math.max(s.last_fired, at), true
end

-- A row goes on in the last one when that has the same reason, and nothing fired between them.
local function note_passed(s, row, now_ms)
  s.passed_lines = s.passed_lines or lines_of('u' .. s.id)
  local lines, from, count = s.passed_lines, row.from, row.count
  local reason, last_from, last_to, last_count =
    string.match(lines[#lines] or '', '^(%a) (%S+) (%S+) (%d+) ')
  local place = #lines + 1
  if reason == row.reason and tonumber(last_to) < from then
    load_fired(s)
    if s.last_fired < tonumber(last_to) then
      place, from, count = #lines, tonumber(last_from), count + tonumber(last_count)
    end
  end
  lines[place] = string.format('%s %.0f %.0f %.0f %.0f %s',
    row.reason, from, row.to, count, math.floor(now_ms), INSTANCE)
  s.passed_changed = true
end

local function pass_one(s, reason, at, now_ms)
  note_passed(s, { reason = reason, from = at, to = at, count = 1 }, now_ms)
end

local function write_lines(field, lines)
  local from = math.max(1, #lines - MOST_KEPT + 1)
  redis.call('HSET', SCHEDULES, field, table.concat(lines, '\n', from))
end

local function write_ledger(s)
  if s.fired_changed then write_lines('f' .. s.id, s.fired_lines) end
  if s.passed_changed then write_lines('u' .. s.id, s.passed_lines) end
  s.fired_changed, s.passed_changed = false, false
end
