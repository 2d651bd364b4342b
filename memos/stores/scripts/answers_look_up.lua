-- ARGV: key, eviction, '1' to not look, lease or '', milliseconds that it is held.
-- The answer; else the moment, behind 1 when the lease is given, 2 when another has it, 0 when none was asked for.
local key, eviction, fresh, lease, milliseconds = unpack(ARGV)
sweep(10)
local found = fresh == '' and read(key, eviction)
if found then return found end
if lease == '' then return {0, moment} end
local holder = redis.call('GET', lease_of(key))
if holder and holder ~= lease then return {2, moment} end
redis.call('SET', lease_of(key), lease, 'PX', milliseconds)
return {1, moment}
