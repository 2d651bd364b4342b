-- Note of an epoch that messages up to a number have become memories.
local session = read(ARGV[1])
if not session then return 0 end
local through = math.min(tonumber(ARGV[2]), session.newest)
if through > session.promoted then redis.call('HSET', part(session, 'meta'), 'promoted', digits(through)) end
return 1
