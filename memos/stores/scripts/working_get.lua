-- The values of keys, after the id of their session: the moment, and of each what is kept, or nothing.
local session = live(ARGV[1])
if not session then return {digits(now)} end
return {digits(now), redis.call('HMGET', part(session, 'values'), unpack(ARGV, 2))}
