-- moved: a schedule goes to another task: those that wait are given up, its open jobs forgotten.
local function leave_task(s, now_ms)
  local waiting = redis.call('HGET', SCHEDULES, 'b' .. s.id) or ''
  for at in string.gmatch(waiting, '(%-?%d+),%d,%d+,%a') do
    pass_one(s, 'w', tonumber(at), now_ms)
  end
  redis.call('HDEL', SCHEDULES, 'o' .. s.id)
  redis.call('HDEL', SCHEDULES, 'b' .. s.id)
end
