#!lua flags=allow-oom
-- register: writes definitions of schedules; never touches an occurrence that is due.
-- keys   shard, session
-- args   for each schedule: id, task, definition, first occurrence or ''
-- gives  for each { outcome, revision, cursor or '' }
-- since  protocol 1
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/schedule.lua
local now_ms = now_us() / 1000

-- Whoever sleeps until this schedule's old occurrence must look again.
local function wake_keepers(id)
  local text = redis.call('HGET', KEEPERS, 's' .. id) or ''
  for keeper in string.gmatch(text, ' (%S+)') do redis.call('PUBLISH', CHANNEL .. keeper, 'l') end
end

-- The new cursor after a change: a due one stays, and nothing that has fired comes again.
local function move_cursor(id, s, first)
  local cursor = tonumber(redis.call('ZSCORE', CURSORS, id) or nil)
  if cursor and cursor <= now_ms then return end
  if not first then
    redis.call('ZREM', CURSORS, id)
  elseif first > s.fired then
    redis.call('ZADD', CURSORS, whole(first), id)
    if not cursor or first < cursor then wake_keepers(id) end
  end
end

local function register(id, task, definition, first)
  local s = read_schedule(id)
  if s and s.task ~= task then return 'conflict', s.revision end
  if s and s.definition == definition then return 'unchanged', s.revision end
  local outcome = s and 'changed' or 'added'
  s = s or { revision = 0, fired = 0, task = task }
  s.revision, s.definition = s.revision + 1, definition
  write_schedule(id, s)
  move_cursor(id, s, first)
  return outcome, s.revision
end

local answers = {}
for k = 1, #ARGV, 4 do
  local outcome, revision = register(ARGV[k], ARGV[k + 1], ARGV[k + 2], tonumber(ARGV[k + 3]))
  local cursor = redis.call('ZSCORE', CURSORS, ARGV[k]) or ''
  answers[#answers + 1] = { outcome, tostring(revision), cursor }
end
return answers
