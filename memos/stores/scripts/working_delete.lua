-- Delete keys, from the second argument on; the first is the version that is expected, if one is. The answer is which
-- of them were there, by their places.
local known = replayed()
if known then return known end
local session, deleted, places, wanted = opened(), {}, {}, tonumber(ARGV[FIRST])
local values = present(session, {unpack(ARGV, FIRST + 1)})
for place = FIRST + 1, #ARGV do
  local value = values[ARGV[place]]
  if wanted and wanted ~= (value and value.version or 0) then
    return refused('version', ARGV[place], tostring(value and value.version or 0))
  end
  if value then deleted[#deleted + 1], places[#places + 1] = value, place - FIRST - 1 end
end
remove(session, deleted)
if #deleted > 0 then touch(session) end
return done(places)
