-- Agents of whom something is due: from which place, and how many. A sweep leaves them due a moment after it.
local time = redis.call('TIME')
local soon = string.format('%.0f', time[1] * 1000 + 1000)
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', soon, 'LIMIT', ARGV[1], ARGV[2])
