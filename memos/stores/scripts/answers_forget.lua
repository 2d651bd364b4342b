-- ARGV: keys. How many of them there were.
local forgotten = 0
for _, key in ipairs(ARGV) do
  if remove(key) then forgotten = forgotten + 1 end
end
return forgotten
