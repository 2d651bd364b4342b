-- Sessions in the order of their ids, without summaries: from where, and how many are looked at. The answer is the id
-- of the last of these, or '' when there are no more, and all of them that have not expired.
local page, most = {}, tonumber(ARGV[2])
local ids = redis.call('ZRANGEBYLEX', named('ids'), ARGV[1], '+', 'LIMIT', 0, most)
for _, id in ipairs(ids) do
  local session = live(id)
  if session then page[#page + 1] = {session.epoch, described(session, true)} end
end
return {#ids == most and ids[#ids] or '', page}
