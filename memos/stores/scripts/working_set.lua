-- Keep values: key, json, ttl and if_version of each. The answer is the moment, and the versions in their order.
local known = replayed()
if known then return known end
local session, keys, values, bytes, added = opened(), {}, {}, 0, 0
for place = FIRST, #ARGV, 4 do keys[#keys + 1] = ARGV[place] end
local before = present(session, keys)
for place = FIRST, #ARGV, 4 do
  local key, json, wanted = ARGV[place], ARGV[place + 1], tonumber(ARGV[place + 3])
  local value = before[key]
  if wanted and wanted ~= (value and value.version or 0) then
    return refused('version', key, tostring(value and value.version or 0))
  end
  values[#values + 1] = {key = key, before = value, json = json, expires = expiry(ARGV[place + 2], nil)}
  bytes = bytes + #key + #json + KEY_BYTES - (value and value.bytes or 0)
  added = added + (value and 0 or 1)
end
local refusal = entered(session, bytes, added)
if refusal then return refusal end
local versions = keep(session, values)
touch(session)
return done({digits(now), unpack(versions)})
