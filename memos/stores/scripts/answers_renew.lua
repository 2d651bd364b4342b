-- ARGV: key, lease, milliseconds. 1 when it is held; one that had ended and is nobody's is held again.
local place = lease_of(ARGV[1])
local holder = redis.call('GET', place)
if holder and holder ~= ARGV[2] then return 0 end
redis.call('SET', place, ARGV[2], 'PX', ARGV[3])
return 1
