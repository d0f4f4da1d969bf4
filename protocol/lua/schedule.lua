#!lua flags=allow-oom
-- schedule: one schedule with its ledger.
-- keys   shard, session
-- args   schedule id
-- gives  { nowMs, id, task, definition, numbers, pause's reason, payload, head, open, buffered,
--        those that fired, those that passed }; {} when not known
--        numbers: revision, code 1|0, overlap, local 1|0, jitterMs, generation, digest, cursor,
--        decidedAt, fired, pausedAt, until, orphaned 1|0, registered until, joined by ','
-- since  protocol 2
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/view.lua
local id = ARGV[1]
local view = view_schedule(id, read_registrations())
if not view then return {} end
local ledger = redis.call('HMGET', SCHEDULES, 'f' .. id, 'u' .. id)
view[#view + 1], view[#view + 2] = ledger[1] or '', ledger[2] or ''
return { whole(math.floor(now_us() / 1000)), unpack(view) }
