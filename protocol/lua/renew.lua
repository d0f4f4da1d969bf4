#!lua flags=allow-oom
-- renew: makes leases last their full length from now, and writes what handlers said of their
-- progress.
-- keys   shard, session
-- args   number of leases · their fences, of one that was handed over 'fence:lengthMs', which is
--        its length from then on · then number, progress JSON …
-- gives  { lost fences, { fence, number … } of cancelled jobs }
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/note.lua
-- @include lib/lease.lua
local now_ms = now_us() / 1000
local count = tonumber(ARGV[1])
local lost, cancelled, held = {}, {}, {}
note_time(now_ms)
local marks, speaks = redis.call('HLEN', CANCELS) > 0, #ARGV > 1 + count
redis.call('EXPIRE', SESSION, 86400)

-- Its owner has it: from now on it is a lease like any other.
local function confirm(lease, length)
  forget_lease(lease.length)
  note_leases(now_ms, length, 1)
  lease.length = length
  redis.call('HSET', LEASE, lease.fence, table.concat({
    whole(length), owner_of(lease), string.sub(lease.text, lease.from, lease.to), lease.task,
  }, '|'))
end

-- Of a part of a bundle all that were in it: which of them still run stands with its task.
local function named_by(lease)
  local slice = lease.slice
  return slice and numbers_in(spelled(slice[1], slice[2], slice[3])) or members_of(lease)
end

for k = 1, count do
  local fence, length = string.match(ARGV[1 + k], '^(%d+):?(%d*)$')
  local lease = read_lease(fence)
  if lease and lease.handed then confirm(lease, tonumber(length) or lease.length) end
  if not lease then
    lost[#lost + 1] = fence
  else
    redis.call('ZADD', LEASES, whole(math.floor(now_ms + lease.length)), lease.fence)
    local numbers = (marks or speaks) and named_by(lease) or {}
    local marked = marks and #numbers > 0 and redis.call('HMGET', CANCELS, unpack(numbers)) or {}
    for at, number in ipairs(numbers) do
      held[number] = true
      if marked[at] then
        cancelled[#cancelled + 1] = lease.fence
        cancelled[#cancelled + 1] = number
      end
    end
  end
end
for k = 2 + count, #ARGV, 2 do
  if held[ARGV[k]] then redis.call('HSET', PROGRESS, ARGV[k], ARGV[k + 1]) end
end
save_lengths()
return { lost, cancelled }
