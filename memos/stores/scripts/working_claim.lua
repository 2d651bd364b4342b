-- Take agents of whom something is due: up to which moment ('' for now), and how many. They are due again after
-- LEASE, unless it is settled before; the half of a millisecond tells a lease from a moment that somebody registered.
local LEASE = 60000.5
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local through = ARGV[1] ~= '' and ARGV[1] or string.format('%.0f', now)
local lease = string.format('%.1f', now + LEASE)
local agents = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', through, 'LIMIT', 0, ARGV[2])
for _, agent in ipairs(agents) do redis.call('ZADD', KEYS[1], 'XX', lease, agent) end
return {through, lease, agents}
