-- piece: how far one call of mend goes, and what it has mended.
local PIECE, PIECE_BYTES, PAGE = 200, 4 * 1024 * 1024, 20
local work = { left = PIECE, bytes = PIECE_BYTES }
local kinds, mended = {}, {}

local function note_mended(kind, n)
  if n == 0 then return end
  if not mended[kind] then kinds[#kinds + 1] = kind end
  mended[kind] = (mended[kind] or 0) + n
end

-- A page of a HASH: calls `each` with name and text; gives the place of the next one.
local function walk_hash(key, from, each, count)
  local page = redis.call('HSCAN', key, from, 'COUNT', count or PAGE)
  for k = 1, #page[2], 2 do
    work.bytes = work.bytes - #page[2][k + 1]
    each(page[2][k], page[2][k + 1])
  end
  work.left = work.left - 1 - #page[2] / 2
  return page[1]
end

local function place_or(place, first)
  return place and place ~= '' and place or first
end

local function mended_answer(...)
  local answer = { ... }
  for _, kind in ipairs(kinds) do
    answer[#answer + 1] = kind
    answer[#answer + 1] = whole(mended[kind])
  end
  return answer
end
