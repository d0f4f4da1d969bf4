-- new-job: saves one job that may have a caller's id, a due time, a priority.

-- What is known under a caller's id: its number, state letter and due time; nil when the job is
-- gone.
local function known(t, id, now_ms)
  local entry = redis.call('HGET', t.ids, id)
  if not entry then return nil end
  local number, ended = string.match(entry, '^(%d+):?(%a?)$')
  if ended ~= '' then
    local til = tonumber(redis.call('ZSCORE', t.idends, id) or '0')
    if til <= now_ms then return nil end
    return number, ended, ''
  end
  if redis.call('SISMEMBER', t.claimed, number) == 1 then return number, 'a', '' end
  if redis.call('HEXISTS', t.jobs, number) == 1 then return number, 'r', '' end
  local due = due_of_later(t, number)
  if due then return number, 's', due end
  return nil
end

-- '' = now, '+ms' from now, '@ms' an instant; nil when that has come. To the µs: rounded up to a ms
-- it would begin half a ms later, on average.
local function due_of(text, now_ms)
  if text == '' then return nil end
  local ms = tonumber(string.sub(text, 2))
  if string.sub(text, 1, 1) == '+' then ms = now_ms + ms end
  if ms <= now_ms then return nil end
  return exact(math.ceil(ms * 1000) / 1000)
end

-- What is known under an id, as push answers it: 'number,0,state letter,dueAt'.
local function known_text(t, id, now_ms)
  local there, state, due = known(t, id, now_ms)
  return there and there .. ',0,' .. state .. ',' .. due or nil
end

local function name_job(t, id, number)
  redis.call('HSET', t.ids, id, number)
  redis.call('ZREM', t.idends, id)
end

-- Says 'number,created 1|0,state letter,dueAt', and whether the job became ready.
local function save_job(t, number, job, now_ms)
  if job.id ~= '' then
    local there = known_text(t, job.id, now_ms)
    if there then return there, false end
    name_job(t, job.id, number)
  end
  redis.call('HINCRBY', t.stats, 'pushed', 1)
  local due = due_of(job.due, now_ms)
  if due then
    put_later(t, number, job.record, due)
    return number .. ',1,s,' .. due, false
  end
  redis.call('HSET', t.jobs, number, job.record)
  join(t, number, job.priority, 0, nil, number)
  return number .. ',1,r,', true
end
