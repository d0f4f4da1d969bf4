#!lua flags=allow-oom
-- recall: the batches of leases whose claim was answered, but the answer was lost.
-- keys   shard, session, then the groups of the tasks named
-- args   number of tasks · their names · then fence, task index …
-- gives  for each fence { numbers, counts, record … }, or {} when the lease is gone
-- since  protocol 1
-- @include lib/keys.lua
-- @include lib/lease.lua
-- @include lib/bundle.lua
local task_count = tonumber(ARGV[1])
local batches = {}
for k = 2 + task_count, #ARGV, 2 do
  local index = tonumber(ARGV[k + 1])
  local t = task_keys(index, ARGV[1 + index])
  local lease = read_lease(ARGV[k], t)
  local numbers, records = {}, {}
  if lease then
    local members = members_of(lease)
    local found = #members > 0 and records_of(t, members) or {}
    for n, number in ipairs(members) do
      if found[n] then
        numbers[#numbers + 1], records[#records + 1] = number, found[n]
      end
    end
  end
  batches[#batches + 1] = #numbers > 0 and describe_batch(t, numbers, records, nil, true) or {}
end
return batches
