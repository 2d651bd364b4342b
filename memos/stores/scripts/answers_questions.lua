-- ARGV: context and embedding model, revision after which, how many at most.
-- Flat, four for each: revision, key, question, vector.
local group, after, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local found = {}
sweep(100)
while #found < 4 * limit do
  local from, size = '(' .. after, limit - #found / 4
  local page = redis.call('ZRANGEBYSCORE', prefix .. 'questions:' .. group, from, '+inf', 'WITHSCORES', 'LIMIT', 0, size)
  if #page == 0 then break end
  for place = 1, #page, 2 do
    local kept = redis.pcall('HMGET', answer_of(page[place]), 'question', 'vector')
    after = page[place + 1]
    if kept[1] and kept[2] then
      for _, part in ipairs({after, page[place], kept[1], kept[2]}) do found[#found + 1] = part end
    end
  end
end
return found
