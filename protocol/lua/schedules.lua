#!lua flags=allow-oom
-- schedules: a page of schedules, by their ids.
-- keys   shard, session
-- args   the id after which it begins, with 'n' before it, or '' · limit · task name or ''
-- gives  { nowMs, the last id seen with 'n' before it, or '' at the end, then as schedule … }
-- since  protocol 2
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/view.lua
local MOST_BYTES, MOST_SHOWN, MOST_READ = 4 * 1024 * 1024, 50, 100
local last, limit, task = ARGV[1], math.min(tonumber(ARGV[2]), MOST_SHOWN), ARGV[3]
local registrations = read_registrations()
local page, bytes, place = {}, 0, last

-- Of another task: only the beginning of its definition is looked at.
local function is_wanted(id)
  if task == '' then return true end
  local s = read_schedule(id)
  return s and s.task == task
end

local want = task == '' and limit or MOST_READ
local from = last == '' and '[n' or '(' .. last
local names = redis.call('ZRANGEBYLEX', CURSORS, from, '(o', 'LIMIT', 0, want)
local seen = 0
for _, name in ipairs(names) do
  if #page >= limit or bytes >= MOST_BYTES then break end
  local id = string.sub(name, 2)
  if is_wanted(id) then
    local view, size = view_schedule(id, registrations)
    page[#page + 1] = view
    bytes = bytes + (size or 0)
  end
  seen, place = seen + 1, name
end
local more = seen < #names or #names == want
return { whole(math.floor(now_us() / 1000)), more and place or '', unpack(page) }
