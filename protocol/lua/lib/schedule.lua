-- schedule: reading and writing what a schedule is (`d`), where it stands (`s`), and when it wakes:
-- the index of cursors, and the earliest of each group.
local KINDS_OF_FIELDS = { 'd', 's', 'p', 'o', 'b', 'f', 'u', 'g' }

local function stamp(ms)
  return string.format('%016.0f', math.max(0, ms))
end

-- Who looks for it: the schedulers of its task, or those that have its function.
local function group_of(s)
  if s.is_local then return 's' .. #s.id .. ':' .. s.id end
  return 't' .. #s.task .. ':' .. s.task
end

local function wake_of(s)
  if not s.next_at or (s.paused_at and not s.paused_until) then return nil end
  local due = s.next_at + s.jitter
  return s.paused_at and math.max(s.paused_until, due) or due
end

local function member_of(s)
  return s.wake and group_of(s) .. stamp(s.wake) .. s.id or nil
end

-- A schedule from its texts `d` and `s`; one without `s` has lost its cursor.
local function parse_schedule(id, d, state)
  local revision, code, overlap, is_local, jitter, generation, digest, task, head, start =
    string.match(d, '^(%d+) (%d) (%d) (%d) (%d+) (%d+) (%S+) (%d+) (%d+) ()')
  local head_at = start + task
  local s = {
    id = id, revision = tonumber(revision), code = code == '1', overlap = tonumber(overlap),
    is_local = is_local == '1', jitter = tonumber(jitter), generation = tonumber(generation),
    digest = digest, task = string.sub(d, start, head_at - 1),
    head = string.sub(d, head_at, head_at + head - 1), definition = string.sub(d, head_at + head),
  }
  local next_at, wake, decided, fired, at, til, orphaned, reason =
    string.match(state or '- - 0 0 - - 0 ', '^(%S+) (%S+) (%S+) (%d+) (%S+) (%S+) (%d) (.*)$')
  s.next_at, s.wake, s.decided = tonumber(next_at), tonumber(wake), tonumber(decided)
  s.fired, s.paused_at, s.paused_until = tonumber(fired), tonumber(at), tonumber(til)
  s.orphaned, s.reason, s.lost = orphaned == '1', reason, not state
  s.member, s.group = member_of(s), group_of(s)
  return s
end

local function read_schedule(id)
  local texts = redis.call('HMGET', SCHEDULES, 'd' .. id, 's' .. id)
  return texts[1] and parse_schedule(id, texts[1], texts[2]) or nil
end

local function write_definition(s)
  local numbers = string.format('%.0f %d %d %d %.0f %.0f %s %d %d ',
    s.revision, s.code and 1 or 0, s.overlap, s.is_local and 1 or 0, s.jitter, s.generation,
    s.digest, #s.task, #s.head)
  redis.call('HSET', SCHEDULES, 'd' .. s.id, numbers .. s.task .. s.head .. s.definition)
end

-- Groups whose entries have moved: their earliest wakeAt before.
local touched = {}

local function touch(group)
  if touched[group] == nil then
    touched[group] = tonumber(redis.call('ZSCORE', FIRING, group) or nil) or false
  end
end

local function write_state(s)
  s.wake = wake_of(s)
  local member, group = member_of(s), group_of(s)
  local function text(n) return n and whole(n) or '-' end
  redis.call('HSET', SCHEDULES, 's' .. s.id, table.concat({
    text(s.next_at), text(s.wake), whole(s.decided), whole(s.fired), text(s.paused_at),
    text(s.paused_until), s.orphaned and '1' or '0', s.reason,
  }, ' '))
  if member == s.member then return end
  if s.member then
    touch(s.group)
    redis.call('ZREM', CURSORS, s.member)
  end
  if member then
    touch(group)
    redis.call('ZADD', CURSORS, 0, member)
  end
  if not (s.member and member) then
    redis.call('HINCRBY', META, 'cursors', member and 1 or -1)
  end
  s.member, s.group = member, group
end

local function add_name(id)
  redis.call('ZADD', CURSORS, 0, 'n' .. id)
  redis.call('HINCRBY', META, 'schedules', 1)
end

-- The earliest wakeAt of a group, as the index says; nil: none.
local function refresh_group(group)
  local first =
    redis.call('ZRANGEBYLEX', CURSORS, '[' .. group, '(' .. group .. ':', 'LIMIT', 0, 1)[1]
  if not first then
    redis.call('ZREM', FIRING, group)
    return nil
  end
  local at = tonumber(string.sub(first, #group + 1, #group + 16))
  redis.call('ZADD', FIRING, whole(at), group)
  return at
end

-- After all writes of a step. `nearer(group)` is called for those that wake earlier than before.
local function refresh_groups(nearer)
  for group, before in pairs(touched) do
    local at = refresh_group(group)
    if nearer and at and (not before or at < before) then nearer(group) end
  end
  touched = {}
end

local function forget_schedule(s)
  for _, letter in ipairs(KINDS_OF_FIELDS) do redis.call('HDEL', SCHEDULES, letter .. s.id) end
  redis.call('ZREM', CURSORS, 'n' .. s.id)
  redis.call('HINCRBY', META, 'schedules', -1)
  if s.member then
    touch(s.group)
    redis.call('ZREM', CURSORS, s.member)
    redis.call('HINCRBY', META, 'cursors', -1)
  end
  if s.is_local then redis.call('HDEL', KEEPERS, 'f' .. s.group, 'w' .. s.group) end
  refresh_groups(nil)
end

-- For clients: id, task, definition, numbers, reason of the pause.
local function describe_schedule(s, registered_until)
  local function text(n) return n and whole(n) or '' end
  local numbers = table.concat({
    whole(s.revision), s.code and '1' or '0', tostring(s.overlap), s.is_local and '1' or '0',
    whole(s.jitter), whole(s.generation), s.digest, text(s.next_at), whole(s.decided),
    whole(s.fired), text(s.paused_at), text(s.paused_until), s.orphaned and '1' or '0',
    text(registered_until),
  }, ',')
  return { s.id, s.task, s.definition, numbers, s.reason }
end
