#!lua flags=allow-oom
-- recover: tells what is known to be decided, to a store that may have gone back in time.
-- keys   shard, session
-- args   for each schedule: id, instant up to which all is decided, the cursor after it or '', the
--        digest of the definition by which that is the cursor
-- gives  the ids of schedules that are not there
-- since  protocol 2
-- @include lib/keys.lua
-- @include lib/schedule.lua
local unknown = {}
for k = 1, #ARGV, 4 do
  local s, decided, following = read_schedule(ARGV[k]), tonumber(ARGV[k + 1]), tonumber(ARGV[k + 2])
  if not s then unknown[#unknown + 1] = ARGV[k] end
  if s and (decided > s.decided or (s.next_at and s.next_at <= s.decided)) then
    s.decided = math.max(s.decided, decided)
    -- Under another definition the cursor stays behind: who plans goes on after what is decided.
    local before = s.next_at and s.next_at <= s.decided and s.digest == ARGV[k + 3]
    if before and (not following or following > s.decided) then s.next_at = following end
    write_state(s)
  end
end
refresh_groups(nil)
return unknown
