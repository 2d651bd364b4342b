-- At most so many keys that expired and of which nobody was told, each with the moment.
return redis.call('ZRANGE', named('expired'), 0, tonumber(ARGV[1]) - 1, 'WITHSCORES')
