-- At most so many sessions that are kept aside, those of an id in their order: one is left out as long as it waits for
-- one that is left out, or has keys to be told. MOST_LOOKED_AT bounds how long others wait for this.
local MOST_LOOKED_AT = 500
local found, given, following = {}, {}, {}
local due = redis.call('ZRANGEBYSCORE', named('aside'), '-inf', digits(now), 'LIMIT', 0, MOST_LOOKED_AT)

-- Give a session, and those that were left out for it alone: lives of one millisecond come in no order.
local function give(session)
  while session and #found < tonumber(ARGV[1]) do
    found[#found + 1], given[session.epoch] = {session.epoch, described(session)}, true
    session = following[session.epoch]
  end
end

for _, epoch in ipairs(due) do
  local session = read(epoch)
  if not session then
    vanish(epoch)
  elseif not session.untold then
    if given[session.former] or not waits(session) then give(session) else following[session.former] = session end
  end
  if #found == tonumber(ARGV[1]) then break end
end
return found
