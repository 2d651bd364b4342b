-- ARGV: names of sets. How many answers are in any of them.
local seen, count = {}, 0
for _, name in ipairs(ARGV) do
  for _, key in ipairs(redis.call('SMEMBERS', prefix .. name)) do
    local ends = not seen[key] and redis.call('ZSCORE', EXPIRY, key)
    if ends and tonumber(ends) > now then count = count + 1 end
    seen[key] = true
  end
end
return count
