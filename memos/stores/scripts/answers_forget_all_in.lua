-- ARGV: how many at most, names of sets; '' is all that there is. How many there were, and 1 if more may be left.
local limit = tonumber(ARGV[1])
local forgotten, left = 0, limit
for place = 2, #ARGV do
  local set = prefix .. ARGV[place]
  local keys
  if ARGV[place] == '' then keys = redis.call('ZRANGE', EXPIRY, 0, left - 1)
  else keys = redis.call('SRANDMEMBER', set, left) end
  for _, key in ipairs(keys) do
    if remove(key) then forgotten = forgotten + 1 end
    if ARGV[place] ~= '' then redis.call('SREM', set, key) end
  end
  left = left - #keys
  if left <= 0 then return {forgotten, 1} end
end
return {forgotten, 0}
