-- Have agents be looked at: a lease or '', then of each its name, the moment ('' for never) and until when it is kept.
-- In the place of the lease it is set; a moment that others registered is only ever made sooner. What is registered
-- while somebody has the lease takes its place, so that whoever has it finds that it is not theirs any more.
local lease = tonumber(ARGV[1])
for place = 2, #ARGV, 3 do
  local agent, moment = ARGV[place], tonumber(ARGV[place + 1])
  local known = tonumber(redis.call('ZSCORE', KEYS[1], agent) or '')
  if known and known == lease then redis.call('ZREM', KEYS[1], agent) end
  if moment then
    if known and known % 1 ~= 0 and not lease then moment = math.min(moment, known - 0.5) end
    redis.call('ZADD', KEYS[1], 'LT', string.format('%.0f', moment), agent)
    redis.call('PEXPIREAT', KEYS[1], ARGV[place + 2], 'NX')
    redis.call('PEXPIREAT', KEYS[1], ARGV[place + 2], 'GT')
  end
end
