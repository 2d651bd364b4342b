-- Whether a session, by its epoch, waits for one that had its id before.
local session = read(ARGV[1])
return session and waits(session) and 1 or 0
