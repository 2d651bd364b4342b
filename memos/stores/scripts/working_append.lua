-- Append to a list: key, ttl, and the JSON of each item. The text of the list grows at its end.
local known = replayed()
if known then return known end
local session, key, ttl = opened(), ARGV[FIRST], ARGV[FIRST + 1]
local before = present(session, {key})[key]
local list = before and string.sub(before.text, before.start) or '[]'
if string.sub(list, 1, 1) ~= '[' then return refused('no_list', key) end
local items = table.concat(ARGV, ',', FIRST + 2)
local length = before and (before.length or #cjson.decode(list)) or 0
local grown = (length == 0 and '[' or string.sub(list, 1, -2) .. ',') .. items .. ']'
length = length + #ARGV - FIRST - 1
if #grown > MOST.value_bytes then return refused('large', key, tostring(#grown)) end
local refusal = entered(session, #key + #grown + KEY_BYTES - (before and before.bytes or 0), before and 0 or 1)
if refusal then return refusal end
local expires = expiry(ttl, before)
local version = keep(session, {{key = key, before = before, json = grown, expires = expires, length = length}})[1]
touch(session)
return done({version, expires and digits(expires) or '', tostring(length)})
