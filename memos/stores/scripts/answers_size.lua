-- Answers, bytes, questions, and how many had to go for want of room.
sweep(1000)
local totals = redis.call('HMGET', TOTALS, 'bytes', 'questions', 'evicted')
return {redis.call('HLEN', ABOUT), totals[1] or 0, totals[2] or 0, totals[3] or 0}
