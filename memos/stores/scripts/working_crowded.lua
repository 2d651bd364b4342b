-- At most so many sessions whose log has outgrown its window, and the numbers up to which messages are to leave. Those
-- that wait for one that had their id before are left out. MOST_LOOKED_AT bounds how long others wait for this.
local MOST_LOOKED_AT = 500
local found = {}
local due = redis.call('ZRANGEBYSCORE', named('crowded'), '-inf', digits(now), 'LIMIT', 0, MOST_LOOKED_AT)
for _, epoch in ipairs(due) do
  local session = read(epoch)
  if session and (not session.expires or session.expires > now) and not waits(session) then
    local through = session.first + outside(session, {whole(session)}).messages - 1
    found[#found + 1] = {epoch, described(session), digits(through)}
  end
  if #found == tonumber(ARGV[1]) then break end
end
return found
