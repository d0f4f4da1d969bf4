#!lua flags=allow-oom
-- work: ends attempts, then takes ready jobs under new leases.
-- keys   shard, session, then the groups of the tasks named
-- args   epoch · seq · identity · idle 1|f|0 · leaseMs · keep rules (8) ·
--        tasks: number, names · number of settle groups · groups · number of claims ·
--        claims: task index, limit, with '~' before it where others that sleep get their part
--        idle: 1: runs nothing and claims nothing beside this; f: runs nothing
--        group: task index, fence, kind, n, then
--          kind c (complete, no id, not kept, not tracked): n numbers, joined by a space, or the
--            part of a bundle that they are, or 'bundle:' and the last two digits of each
--          kind k (complete, not tracked): n numbers, joined by a space · 0 or n, then so many ids
--            or '' · 0 or n, then so many detail JSON
--          kind x: n × (number, outcome c|r|v|d|n|i|h, id or '', waitMs, detail JSON or error text,
--            schedule of a tracked job or '')
-- gives  'settles|leases|more|drain', then for each lease { numbers, or the part of a bundle that
--        they are, counts, texts of several records joined by NUL … }
--        settles: for each group C (all completed), L (all lost), or for each of its jobs one of
--        c d x r s<dueAt> h l(ost), joined by ','; groups joined by ';'; leases: fence:task
--        index:alone, by ','; more: task indexes, by ',', with '~' behind them where the rest was
--        left for a sleeper that was woken
-- usual  complete_plain keep_rules exists save_bounds end_call write_leases begin_call
--        ask_for_rare save_lengths task_keys save_ends complete_left read_lease numbers_in
--        place_of_member is_handed drop_first forget_done parse_lease drop_member text_left
--        shrink_lease find_member settle_completed note_done read_lengths whole change_leases
--        lengths_text forget_lease lease_in_pieces first_chunk take update_moment exact
--        promote_share pop_hints forget_alone claim promote has_alone digits note_time
--        raised take_fences note_leases describe_batch digits_from lease_out add_joined wake_one
--        shortest_of bundles_of read_states set_states save_bundles slice_in slice_text next_slice
--        entry_in_front cut_front take_slice text_between size_in read_text take_some pop_ready
--        lease_slice as_numbers spelled end_in_slice without without_few letters_of has_members
--        end_slices end_lease forget_records single_out_members
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/note.lua
-- @include lib/call.lua
-- @include lib/overlap.lua
-- @include lib/promote.lua
-- @include lib/claim.lua
-- @include lib/alone.lua
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

local settled, runs_over = {}, nil
-- The states of which a tracked job's schedule is told.
local ENDED = { c = true, d = true, x = true }

do
  local rare = { CANCELS, PROGRESS }
  for _, t in ipairs(tasks) do
    for _, key in ipairs({ t.tries, t.prio, t.alone, t.due }) do rare[#rare + 1] = key end
  end
  ask_for_rare(rare)
end

local function settle_special(t, lease, first, n)
  local states = {}
  for k = 0, n - 1 do
    local a = first + 6 * k
    local number, outcome = ARGV[a], ARGV[a + 1]
    local at = lease and place_of_member(lease, number)
    if not at then
      states[k + 1] = 'l'
    elseif outcome == 'h' and
        not (exists(CANCELS) and redis.call('HEXISTS', CANCELS, number) == 1) then
      drop_member(lease, at)
      t.back = t.back or {}
      t.back[#t.back + 1] = number
      states[k + 1] = 'h'
    else
      drop_member(lease, at)
      local job = { number = number, outcome = outcome, id = ARGV[a + 2], detail = ARGV[a + 4] }
      job.wait_ms = tonumber(ARGV[a + 3])
      local state = settle_one(t, job, keep, now)
      states[k + 1] = state
      if ARGV[a + 5] ~= '' and ENDED[string.sub(state, 1, 1)] then
        job_ended(t, ARGV[a + 5], number, now)
      end
    end
  end
  return table.concat(states, ',')
end

-- Leases of parts of bundles.
local of_bundles = {}

local groups = tonumber(ARGV[i])
i = i + 1
for _ = 1, groups do
  local t, fence, kind = tasks[tonumber(ARGV[i])], ARGV[i + 1], ARGV[i + 2]
  local n = tonumber(ARGV[i + 3])
  local lease = read_lease(fence, t)
  if lease and lease.task ~= t.name then lease = nil end
  -- Whatever runs alone has counts.
  local had_counts = exists(t.tries)
  i = i + 4
  if kind == 'c' then
    settled[#settled + 1] = settle_completed(t, lease, ARGV[i], nil, keep, now)
    i = i + 1
  elseif kind == 'k' then
    local extras, after = extras_at(i + 1)
    settled[#settled + 1] = settle_completed(t, lease, ARGV[i], extras, keep, now)
    i = after
  else
    single_out_members(t, lease, i, n)
    settled[#settled + 1] = settle_special(t, lease, i, n)
    i = i + 6 * n
  end
  if lease and lease.slice then
    of_bundles[fence] = lease
  elseif lease then
    shrink_lease(lease)
  end
  if had_counts and (not lease or lease.is_over) then
    runs_over = runs_over or {}
    runs_over[fence] = true
  end
end

for _, t in ipairs(tasks) do
  complete_plain(t)
  complete_left(t, keep, now_ms)
end
save_ends()
-- What has ended stays so, whatever becomes of the claims.
for _, t in ipairs(tasks) do save_bundles(t) end
end_slices(of_bundles)

for _, t in ipairs(tasks) do
  if t.back then hand_back_all(t, identity) end
end

local caller = {
  identity = identity, now_ms = now_ms, lease_ms = lease_ms, free = ARGV[4] == 'f',
}
if runs_over then note_run_over(caller, runs_over) end

local leases, more, drain = {}, {}, false
local budget = { bytes = MOST_BYTES, jobs = MOST_JOBS, hints = MOST_JOBS }

local function lease_out(index, numbers, records, alone)
  leases[#leases + 1] = {
    t = tasks[index], index = index, numbers = numbers, records = records, alone = alone,
  }
end

-- A part of a bundle has a lease of its own.
local function lease_slice(index, slice)
  leases[#leases + 1] = {
    t = tasks[index], index = index, joined = slice.joined, text = slice.text, alone = false,
  }
end

local function lease_in_pieces(index, numbers, records)
  if #numbers == 0 then return end
  if #numbers <= MOST_PER_LEASE then return lease_out(index, numbers, records, false) end
  for from = 1, #numbers, MOST_PER_LEASE do
    local to = math.min(from + MOST_PER_LEASE - 1, #numbers)
    lease_out(index, { unpack(numbers, from, to) }, { unpack(records, from, to) }, false)
  end
end

-- Jobs whose process died under them get leases of their own, so that a killer does not take its
-- neighbours along.
local function lease_by_crashes(index, numbers, records, crashed)
  local t, calm, calm_records = tasks[index], {}, {}
  local counts = redis.call('HMGET', t.tries, unpack(numbers))
  for k, number in ipairs(numbers) do
    local _, _, _, row = counts_in(counts[k])
    if row >= ALONE_AFTER then
      written(t.alone)
      redis.call('SREM', t.claimed, number)
      redis.call('RPUSH', t.alone, number)
      redis.call('HINCRBY', META, 'aloneJobs', 1)
    elseif row > 0 then
      crashed[#crashed + 1] = { number, records[k] }
    else
      calm[#calm + 1], calm_records[#calm + 1] = number, records[k]
    end
  end
  lease_in_pieces(index, calm, calm_records)
end

local function claim(c, alone_from)
  local index, t = c.index, tasks[c.index]
  local limit = c.is_fair and part_of(t, c.limit, identity) or c.limit
  local lease_singles, crashed = exists(t.tries) and lease_by_crashes or lease_in_pieces, {}
  local count = take(t, math.min(limit, budget.jobs), budget,
    function(numbers, records) lease_singles(index, numbers, records, crashed) end,
    function(slice) lease_slice(index, slice) end)
  for _, job in ipairs(crashed) do lease_out(index, { job[1] }, { job[2] }, false) end
  budget.jobs = budget.jobs - count
  if count > 0 then redis.call('SREM', t.sleepers, identity) end
  if update_moment(t, now_ms, alone_from) then
    -- Work is left: the next sleeper joins in, and wakes another one in turn.
    local is_heard = wake_one(t)
    more[#more + 1] = is_heard and limit < c.limit and index .. '~' or index
  end
end

-- An idle scheduler takes one such job and nothing else beside it.
local function claim_alone(claims, first)
  local number, record = take_alone(tasks[first.index])
  if not number then return false end
  lease_out(first.index, { number }, { record }, true)
  redis.call('HDEL', META, 'aloneBy', 'aloneTil', 'aloneFor', 'alonePast', 'aloneRest')
  for _, c in ipairs(claims) do
    if update_moment(tasks[c.index], now_ms, now_ms + lease_ms) then more[#more + 1] = c.index end
  end
  return true
end

local claims, claim_count, first = {}, tonumber(ARGV[i]), nil
for k = 1, claim_count do
  local c = { index = tonumber(ARGV[i + 2 * k - 1]), limit = tonumber(ARGV[i + 2 * k]) }
  if not c.limit then
    c.limit, c.is_fair = tonumber(string.sub(ARGV[i + 2 * k], 2)), true
  end
  claims[k] = c
  promote(tasks[c.index], now_ms, math.max(c.limit, promote_share(claim_count)))
  if not first and c.limit > 0 and has_alone(tasks[c.index]) then first = c end
end

local function has_other_work()
  for _, c in ipairs(claims) do
    local t = tasks[c.index]
    if c.limit > 0 and redis.call('LLEN', t.ready) > 0 then return true end
    if c.limit > 0 and exists(t.prio) and redis.call('ZCARD', t.prio) > 0 then return true end
  end
  return false
end

local alone_from, taken_alone = nil, false
if first then
  local til, runs = turn_of_others(caller)
  if runs or (til and not ((idle or caller.free) and not has_other_work())) then
    alone_from = til
  elseif idle then
    taken_alone = claim_alone(claims, first)
  else
    alone_from, drain = reserve_alone(caller)
  end
elseif claim_count > 0 then
  forget_alone(caller)
end
for _, c in ipairs(claims) do
  if drain then
    more[#more + 1] = c.index
  elseif taken_alone then
    break
  elseif budget.jobs > 0 and budget.bytes > 0 and c.limit > 0 then
    claim(c, alone_from)
  else
    more[#more + 1] = c.index
  end
end

local fences = write_leases(leases, lease_ms, identity, now)
if taken_alone then
  redis.call('HSET', META, 'aloneRun', fences[1] .. ' ' .. whole(math.floor(now_ms)))
end
save_lengths()
for _, t in ipairs(tasks) do save_bundles(t) end
local refs, batches = {}, {}
for k, lease in ipairs(leases) do
  refs[k] = fences[k] .. ':' .. lease.index .. ':' .. (lease.alone and '1' or '0')
  batches[k] = lease.text and { lease.joined, '', lease.text }
    or describe_batch(lease.t, lease.numbers, lease.records, lease.joined)
end
local answer = table.concat({
  table.concat(settled, ';'), table.concat(refs, ','), table.concat(more, ','),
  drain and '1' or '0',
}, '|')
end_call('work', ARGV[2], answer)
return { answer, unpack(batches) }
