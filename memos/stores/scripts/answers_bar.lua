-- ARGV: milliseconds, names of sets, or key:<key>; '' is all that there is. Answers in them that are under way now
-- are not kept.
for place = 2, #ARGV do
  redis.call('SET', barred_of(ARGV[place]), string.format('%.0f', moment), 'PX', ARGV[1])
end
return 0
