-- Forget that keys expired.
redis.call('ZREM', named('expired'), unpack(ARGV))
