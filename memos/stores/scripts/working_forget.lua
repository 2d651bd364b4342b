-- Drop all of a session that was kept aside, by its epoch.
local size = total(ARGV[1])
if redis.call('ZREM', named('aside'), ARGV[1]) == 0 then return 0 end
redis.call('HINCRBY', KEYS[1], 'aside', digits(-size))
bury(ARGV[1])
retain(KEYS[1])
for _, name in ipairs(PARTS) do redis.call('UNLINK', part({epoch = ARGV[1]}, name)) end
return 1
