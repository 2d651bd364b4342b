-- End a session; the argument says whether its messages are to be promoted ('1', '0', or '' as the session says).
local known = replayed()
if known then return known end
local session = opened()
if session.new then return done({}) end
put_aside(session, 'requested', ARGV[FIRST])
return done({session.epoch, described(session, true)})
