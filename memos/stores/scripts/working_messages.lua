-- Messages: id of a session or '', its epoch where it is aside, after and up to which number, how many of the last, and
-- how many at most, which are the first of these.
local session
if ARGV[1] == '' then session = read(ARGV[2]) else session = live(ARGV[1]) end
if not session then return {} end
local first = math.max(tonumber(ARGV[3]) + 1, session.first)
local last = math.min(tonumber(ARGV[4]) or session.newest, session.newest)
if ARGV[5] ~= '' then first = math.max(first, last - tonumber(ARGV[5]) + 1) end
last = math.min(last, first + tonumber(ARGV[6]) - 1)
if first > last then return {} end
local messages = redis.call('LRANGE', part(session, 'log'), first - session.first, last - session.first)
return {session.epoch, digits(first), messages}
