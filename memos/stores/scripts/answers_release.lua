-- ARGV: key, lease.
local place = lease_of(ARGV[1])
if redis.call('GET', place) == ARGV[2] then redis.call('UNLINK', place) end
return 0
