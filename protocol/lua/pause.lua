#!lua flags=allow-oom
-- pause: pauses a schedule or ends its pause; what was due meanwhile is left to whoever fires next.
-- keys   shard, session
-- args   schedule id · revision or '' · pause or resume ·
--        until or '' · orphaned 1|0 · reason
-- gives  {} not known or another revision, else { task name, revision }
-- since  protocol 2
-- @include lib/now.lua
-- @include lib/keys.lua
-- @include lib/schedule.lua
-- @include lib/wake-firer.lua
local s, revision = read_schedule(ARGV[1]), tonumber(ARGV[2])
if not s or (revision and s.revision ~= revision) then return {} end
local this = math.floor(now_us() / 1000)
local resumes = ARGV[3] == 'resume'
local over = not s.paused_at or (s.paused_until and s.paused_until <= this)
if not (resumes and over) then
  s.revision = s.revision + 1
  if resumes then
    s.paused_until = this
  else
    s.paused_at, s.paused_until = s.paused_at or this, tonumber(ARGV[4])
    s.orphaned, s.reason = ARGV[5] == '1', ARGV[6]
  end
  write_definition(s)
  write_state(s)
  refresh_groups(resumes and wake_firer or nil)
end
return { s.task, whole(s.revision) }
