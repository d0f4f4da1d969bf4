#!lua flags=allow-oom
-- work: ends attempts, then takes ready jobs under new leases.
-- keys   shard, session, then the groups of the tasks named
-- args   epoch · seq · identity · idle 1|0 · leaseMs · keep rules (8) · tasks: number, names ·
--        number of settle groups · groups · number of claims · claims: task index, limit
--        group: task index, fence, kind, n, then
--          kind c (complete, no id, not kept, not tracked): n numbers
--          kind x: n × (number, outcome c|r|v|d|n|i|h, id or '', waitMs, detail JSON or error text,
--            schedule of a tracked job or '')
-- gives  'settles|leases|more|drain', then for each lease { numbers, counts, record … }
--        settles: c d x r s<dueAt> h l(ost), joined by ','; leases: fence:task index:alone, by ',';
--        more: task indexes, by ','
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/note.lua
-- @include lib/call.lua
-- @include lib/overlap.lua
-- @include lib/promote.lua
-- @include lib/claim.lua
-- @include lib/settle.lua

local repeated = begin_call('work', ARGV[1], ARGV[2])
if repeated then return repeated end

local identity, idle, lease_ms = ARGV[3], ARGV[4] == '1', tonumber(ARGV[5])
local keep = keep_rules(6)
local i = 6 + KEEP_ARGS
local now = now_us()
local now_ms = now / 1000
local task_count = tonumber(ARGV[i])
local tasks = {}
for k = 1, task_count do tasks[k] = task_keys(k, ARGV[i + k]) end
i = i + task_count + 1

-- How many lapsed reservations are remembered, and for how long.
local MOST_PAST_HOLDERS, REST_IN_LEASES = 10, 10

local settled, handed_back = {}, {}
-- The states of which a tracked job's schedule is told.
local ENDED = { c = true, d = true, x = true }

local function settle_plain(t, lease, at, n)
  local numbers = {}
  for k = 1, n do numbers[k] = ARGV[at + k - 1] end
  if not lease then
    for _ = 1, n do settled[#settled + 1] = 'l' end
    return
  end
  local has = {}
  for _, number in ipairs(numbers) do has[number] = lease.has[number] end
  local plain, cancelled = split_cancelled(lease, numbers)
  if #plain > 0 then complete_plain(t, lease, plain) end
  for _, number in ipairs(numbers) do
    if cancelled[number] then
      lease.has[number] = nil
      local job = { number = number, outcome = 'c', id = '', detail = '{}' }
      settled[#settled + 1] = settle_one(t, job, keep, now)
    else
      settled[#settled + 1] = has[number] and 'c' or 'l'
    end
  end
end

local function settle_special(t, lease, at, n)
  for k = 0, n - 1 do
    local a = at + 6 * k
    local number, outcome = ARGV[a], ARGV[a + 1]
    if not lease or not lease.has[number] then
      settled[#settled + 1] = 'l'
    elseif outcome == 'h' and redis.call('HEXISTS', CANCELS, number) == 0 then
      lease.has[number] = nil
      handed_back[#handed_back + 1] = { t = t, number = number }
      settled[#settled + 1] = 'h'
    else
      lease.has[number] = nil
      local job = { number = number, outcome = outcome, id = ARGV[a + 2], detail = ARGV[a + 4] }
      job.wait_ms = tonumber(ARGV[a + 3])
      local state = settle_one(t, job, keep, now)
      settled[#settled + 1] = state
      if ARGV[a + 5] ~= '' and ENDED[state] then job_ended(t, ARGV[a + 5], number, now) end
    end
  end
end

local groups = tonumber(ARGV[i])
i = i + 1
for _ = 1, groups do
  local t, fence, kind = tasks[tonumber(ARGV[i])], ARGV[i + 1], ARGV[i + 2]
  local n = tonumber(ARGV[i + 3])
  local lease = read_lease(fence)
  if lease and lease.task ~= t.name then lease = nil end
  i = i + 4
  if kind == 'c' then
    settle_plain(t, lease, i, n)
    i = i + n
  else
    settle_special(t, lease, i, n)
    i = i + 6 * n
  end
  if lease then shrink_lease(lease) end
end

-- Each goes to the very front: the last to be put there is the first in line.
table.sort(handed_back, function(a, b) return a.number > b.number end)
for _, back in ipairs(handed_back) do hand_back(back.t, back.number) end
for _, back in ipairs(handed_back) do wake_one(back.t) end

local leases, batches, more, drain = {}, {}, {}, false
local budget = { bytes = MOST_BYTES, jobs = MOST_JOBS, hints = MOST_JOBS }

local function lease_out(index, jobs, alone)
  local t = tasks[index]
  local numbers, records = {}, {}
  for k, job in ipairs(jobs) do numbers[k], records[k] = job.number, job.record end
  local fence = write_lease(t, jobs, lease_ms, identity, now)
  leases[#leases + 1] = fence .. ':' .. index .. ':' .. (alone and '1' or '0')
  batches[#batches + 1] = describe_batch(t, numbers, records)
end

-- Jobs whose process died under them get leases of their own, so that a killer does not take its
-- neighbours along.
local function split_by_crashes(t, jobs)
  if redis.call('EXISTS', t.tries) == 0 then return jobs, {} end
  local calm, crashed = {}, {}
  for _, job in ipairs(jobs) do
    local _, _, _, row = counts_of(t, job.number)
    if row >= ALONE_AFTER then
      redis.call('RPUSH', t.alone, job.number)
      redis.call('HINCRBY', META, 'aloneJobs', 1)
    elseif row > 0 then
      crashed[#crashed + 1] = job
    else
      calm[#calm + 1] = job
    end
  end
  return calm, crashed
end

local function claim(index, limit, alone_from)
  local t = tasks[index]
  local jobs = take(t, math.min(limit, budget.jobs), budget)
  budget.jobs = budget.jobs - #jobs
  local calm, crashed = split_by_crashes(t, jobs)
  if #calm > 0 then lease_out(index, calm, false) end
  for _, job in ipairs(crashed) do lease_out(index, { job }, false) end
  if #jobs > 0 then redis.call('SREM', t.sleepers, identity) end
  if update_moment(t, now_ms, alone_from) then
    more[#more + 1] = index
    -- Work is left: the next sleeper joins in, and wakes another one in turn.
    wake_one(t)
  end
end

-- Holders whose reservation lapsed unused, as { identity = until when they get no other }.
local function past_holders(text, by, til)
  local past, n = {}, 0
  for holder, rest_til in string.gmatch(text or '', '(%S+)=(%d+)') do
    if tonumber(rest_til) > now_ms and n < MOST_PAST_HOLDERS then
      past[holder], n = tonumber(rest_til), n + 1
    end
  end
  if by then past[by] = til + REST_IN_LEASES * lease_ms end
  return past
end

local function past_text(past)
  local parts = {}
  for holder, til in pairs(past) do parts[#parts + 1] = holder .. '=' .. whole(til) end
  table.sort(parts)
  return table.concat(parts, ' ')
end

-- Until when the right to drain for a job that must run alone is taken, and whether this scheduler
-- has it. Whoever could not use it rests, so that a long handler does not hold up all other work.
local function reserve_alone()
  local m = redis.call('HMGET', META, 'aloneBy', 'aloneTil', 'alonePast')
  local by, til = m[1], tonumber(m[2] or '0')
  if til > now_ms and til <= now_ms + lease_ms * 10 then return til, by == identity end
  local past = past_holders(m[3], by, til)
  if past[identity] and past[identity] > now_ms then
    redis.call('HDEL', META, 'aloneBy', 'aloneTil')
    redis.call('HSET', META, 'alonePast', past_text(past))
    return now_ms + lease_ms, false
  end
  til = math.ceil(now_ms + lease_ms)
  local past_now = past_text(past)
  redis.call('HSET', META, 'aloneBy', identity, 'aloneTil', whole(til), 'alonePast', past_now)
  return til, true
end

-- When no such job is left in the shard, nobody is chosen and nobody rests.
local function forget_alone()
  local m = redis.call('HMGET', META, 'aloneJobs', 'aloneBy', 'alonePast')
  if (m[2] or m[3]) and tonumber(m[1] or '0') <= 0 then
    redis.call('HDEL', META, 'aloneBy', 'aloneTil', 'alonePast')
  end
end

-- An idle scheduler takes one such job and nothing else beside it.
local function claim_alone(claims, first)
  local job = take_alone(tasks[first.index])
  if not job then return false end
  lease_out(first.index, { job }, true)
  redis.call('HDEL', META, 'aloneBy', 'aloneTil', 'alonePast')
  for _, c in ipairs(claims) do
    if update_moment(tasks[c.index], now_ms) then more[#more + 1] = c.index end
  end
  return true
end

local claims, claim_count, first = {}, tonumber(ARGV[i]), nil
for k = 1, claim_count do
  local c = { index = tonumber(ARGV[i + 2 * k - 1]), limit = tonumber(ARGV[i + 2 * k]) }
  claims[k] = c
  promote(tasks[c.index], now_ms, math.max(c.limit, 100))
  if not first and c.limit > 0 and has_alone(tasks[c.index]) then first = c end
end

local alone_from, taken_alone = nil, false
if first and idle then
  taken_alone = claim_alone(claims, first)
elseif first then
  alone_from, drain = reserve_alone()
elseif claim_count > 0 then
  forget_alone()
end
for _, c in ipairs(claims) do
  if drain then
    more[#more + 1] = c.index
  elseif taken_alone then
    break
  elseif budget.jobs > 0 and budget.bytes > 0 and c.limit > 0 then
    claim(c.index, c.limit, alone_from)
  else
    more[#more + 1] = c.index
  end
end

local answer = table.concat({
  table.concat(settled, ','), table.concat(leases, ','), table.concat(more, ','),
  drain and '1' or '0',
}, '|')
end_call('work', ARGV[2], answer)
return { answer, unpack(batches) }
