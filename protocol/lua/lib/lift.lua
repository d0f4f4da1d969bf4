-- lift: what a newer layout makes of an older one. Schedules of layout 1 are forgotten: those that
-- programs register come back with them. Layouts 1 and 2 held a running job's fence beside its
-- lease; since 3 a set names what is claimed. Keys: see PROTOCOL.md.
local function name_claimed()
  local shard = string.sub(META, 1, -5)
  local cursor = '0'
  repeat
    local page = redis.call('HSCAN', LEASE, cursor, 'COUNT', 200)
    for k = 2, #page[2], 2 do
      local numbers, task = string.match(page[2][k], '^%d+|[^|]*|([%d ]*)|(.*)$')
      -- Undeclared, the one time: which tasks have leases stands only in these.
      for number in string.gmatch(numbers or '', '%d+') do
        redis.call('SADD', shard .. 't:' .. task .. ':claimed', number)
      end
    end
    cursor = page[1]
  until cursor == '0'
end

local function lift_layout(layout)
  local version, wanted = tonumber(redis.call('HGET', layout, 'version') or ''), tonumber(ARGV[1])
  if not version or version >= 3 or wanted < 3 then return end
  if version < 2 then redis.call('DEL', SCHEDULES, CURSORS, KEEPERS) end
  name_claimed()
  redis.call('HSET', layout, 'version', '3')
end
