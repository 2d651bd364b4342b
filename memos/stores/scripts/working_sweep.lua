-- Clear away what expired of an agent, about so many keys: how many, when to look again and until when it is kept, and how
-- many keys that expired were lost untold. No more is cleared away than can be told.
redis.call('DEL', named('registered'))
local room = MOST_UNTOLD - redis.call('ZCARD', named('expired'))
local cleared, lost = sweep(math.min(tonumber(ARGV[1]), room)), total('lost')
redis.call('HDEL', KEYS[1], 'lost')
local again = unregistered()
if redis.call('EXISTS', named('sessions'), named('aside'), named('expired')) == 0 then redis.call('DEL', KEYS[1]) end
if again[1] == digits(now) then again[1] = digits(now + 1) end
return {tostring(cleared), again, tostring(lost)}
