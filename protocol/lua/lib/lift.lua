-- lift: what a newer layout makes of an older one. Schedules of layout 1 are forgotten: those that
-- programs register come back with them. Layouts 1 and 2 held a running job's fence beside its
-- lease; since 3 a set names what is claimed. Until then numbers of jobs that are due later were
-- spelled; since 4 they are packed. Since 5 there are bundles, which 4 did not know and 5 does not
-- need. Keys: see PROTOCOL.md.
-- @include lib/later.lua

-- Undeclared, the one time: which tasks there are stands only in other keys.
local function key_of(task, name)
  return string.sub(META, 1, -5) .. 't:' .. task .. ':' .. name
end

local function name_claimed()
  local cursor = '0'
  repeat
    local page = redis.call('HSCAN', LEASE, cursor, 'COUNT', 200)
    for k = 2, #page[2], 2 do
      local numbers, task = string.match(page[2][k], '^%d+|[^|]*|([%d ]*)|(.*)$')
      for number in string.gmatch(numbers or '', '%d+') do
        redis.call('SADD', key_of(task, 'claimed'), number)
      end
    end
    cursor = page[1]
  until cursor == '0'
end

-- One without a due time gets none: repair finds it.
local function pack_later(task)
  local t, cursor = { later = key_of(task, 'later'), due = key_of(task, 'due') }, '0'
  repeat
    local page = redis.call('HSCAN', t.later, cursor, 'COUNT', 200)
    for k = 1, #page[2], 2 do
      local number, record = page[2][k], page[2][k + 1]
      if string.find(number, '^%d+$') and #number == 16 then
        local due = redis.call('ZSCORE', t.due, number)
        redis.call('HDEL', t.later, number)
        redis.call('ZREM', t.due, number)
        redis.call('HSET', t.later, packed(number), record)
        if due then redis.call('ZADD', t.due, due, packed(number)) end
      end
    end
    cursor = page[1]
  until cursor == '0'
end

local function lift_layout(layout)
  local version, wanted = tonumber(redis.call('HGET', layout, 'version') or ''), tonumber(ARGV[1])
  if not version or version >= 5 or wanted < 5 then return end
  if version < 2 then redis.call('DEL', SCHEDULES, CURSORS, KEEPERS) end
  if version < 3 then name_claimed() end
  if version < 4 then
    for _, task in ipairs(redis.call('ZRANGE', MOMENTS, 0, -1)) do pack_later(task) end
  end
  redis.call('HSET', layout, 'version', '5')
end
