-- Leave out a session, by its epoch, for some milliseconds.
for _, index in ipairs({'crowded', 'aside'}) do
  redis.call('ZADD', named(index), 'XX', digits(now + tonumber(ARGV[2])), ARGV[1])
end
