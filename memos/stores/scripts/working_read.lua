-- A session without its messages.
local session = live(ARGV[1])
if not session then return {} end
return {session.epoch, described(session)}
