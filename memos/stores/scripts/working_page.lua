-- Keys in order, with their values: id of the session, from where, up to where, how many are looked at, and the most
-- bytes of JSON of a value that is given, or ''. The answer is the last of these, or '' when there are no more, and all
-- of them that have not expired: each with its text, and how many bytes of JSON were left out of that.
local session, page, most, largest = live(ARGV[1]), {}, tonumber(ARGV[4]), tonumber(ARGV[5])
if not session then return {'', page} end
local keys = redis.call('ZRANGEBYLEX', part(session, 'keys'), ARGV[2], ARGV[3], 'LIMIT', 0, most)
if #keys == 0 then return {'', page} end
for place, text in ipairs(redis.call('HMGET', part(session, 'values'), unpack(keys))) do
  local expires, start = string.match(text or '', '^%d+|%d+|(%d*)|%d*|()')
  expires = tonumber(expires)
  if text and (not expires or expires > now) then
    local bytes = #text - start + 1
    local large = largest and bytes > largest
    page[#page + 1] = keys[place]
    page[#page + 1] = large and string.sub(text, 1, start - 1) or text
    page[#page + 1] = large and bytes or 0
  end
end
return {#keys == most and keys[#keys] or '', page}
