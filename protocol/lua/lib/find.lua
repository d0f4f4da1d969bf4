-- find: a job by its public id. The id entry first, else the number that the id spells.
-- @include lib/lease.lua
-- @include lib/later.lua
-- @include lib/bundle.lua
local STATE_WORD = { c = 'completed', d = 'dead', x = 'cancelled' }

-- Its number, and its end state when it has ended and the entry says so.
local function find_number(t, id, spelled, now_ms)
  local entry = redis.call('HGET', t.ids, id)
  if entry then
    local number, ended = string.match(entry, '^(%d+):?(%a?)$')
    local over = ended ~= '' and tonumber(redis.call('ZSCORE', t.idends, id) or '0') <= now_ms
    if not over then return number, STATE_WORD[ended] end
  end
  if spelled ~= '' then return spelled, nil end
  return nil, nil
end

-- The state of a number by where its record is, the record, and the due time of a scheduled one.
local function place_of(t, number)
  local record = redis.call('HGET', t.jobs, number)
  if record then
    local claimed = redis.call('SISMEMBER', t.claimed, number) == 1
    return claimed and 'running' or 'ready', record, nil
  end
  record = bundled_record(t, number)
  if record then return letter_of(t, number) == 'a' and 'running' or 'ready', record, nil end
  record = record_of_later(t, number)
  if record then return 'scheduled', record, due_of_later(t, number) end
  record = redis.call('HGET', t.ended, number)
  if record then return STATE_WORD[string.sub(record, 1, 1)], record, nil end
  return nil, nil, nil
end

-- A job for people, as the header of get.lua says. `leases`: those of running jobs, if known.
local function view(t, number, leases)
  local state, record, due = place_of(t, number)
  if not state then return nil end
  local runs = state == 'running'
  local lease = nil
  if runs and leases then lease = leases[number] elseif runs then lease = lease_of(t, number) end
  local lease_ends = lease and redis.call('ZSCORE', LEASES, lease.fence) or ''
  local marked = runs and tostring(redis.call('HEXISTS', CANCELS, number)) or '0'
  return {
    number, state, record, redis.call('HGET', t.tries, number) or '', due or '',
    lease and lease.fence or '', lease_ends or '', marked,
    runs and redis.call('HGET', PROGRESS, number) or '',
    redis.call('HGET', t.errors, number) or '',
  }
end
