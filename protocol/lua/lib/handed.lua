-- handed: a lease that a push wrote for a sleeper. It is unconfirmed until its owner's first
-- renewal or settle, since nobody knows whether the message arrived: it ends soon, and its end is
-- charged to nobody. Marked by a 0 before its length, which is a number to every reader all the
-- same. It counts as one of HANDED_LENGTH_MS, so that it makes nobody note the time more often.
local HANDED_MS, HANDED_LENGTH_MS = 2000, 10000

local function is_handed(length)
  return string.byte(length) == 48
end

-- How long after an outage a lease of this length, as text, is not reaped.
local function grace_of(length)
  return is_handed(length) and HANDED_MS or tonumber(length)
end
