-- schedule: reading and writing a schedule's record, `revision lastFiredAt taskLength task
-- definition`.
local function read_schedule(id)
  local text = redis.call('HGET', SCHEDULES, id)
  if not text then return nil end
  local revision, fired, length, start = string.match(text, '^(%d+) (%d+) (%d+) ()')
  return {
    revision = tonumber(revision), fired = tonumber(fired),
    task = string.sub(text, start, start + length - 1),
    definition = string.sub(text, start + length),
  }
end

local function write_schedule(id, s)
  redis.call('HSET', SCHEDULES, id,
    string.format('%.0f %.0f %d ', s.revision, s.fired, #s.task) .. s.task .. s.definition)
end
