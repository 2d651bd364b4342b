-- Drop promoted messages of an epoch up to a number and keep a summary, if one is given, with the number up to which it
-- goes and that of the one that it was made from. Nothing is done when another is kept by now.
local session = read(ARGV[1])
if not session then return 0 end
if ARGV[3] ~= '' and session.summarised ~= tonumber(ARGV[5]) then return 0 end
local log, meta = part(session, 'log'), part(session, 'meta')
local through = math.min(tonumber(ARGV[2]), session.promoted, session.newest)
local leaving = math.max(0, math.min(through - session.first + 1, redis.call('LLEN', log)))
local first, last = before(session, 0), before(session, leaving)
local gone = {messages = leaving, tokens = last.tokens - first.tokens, bytes = last.bytes - first.bytes}
if ARGV[3] ~= '' then
  gone.bytes = gone.bytes - #ARGV[3] + redis.call('HSTRLEN', meta, 'summary')
  redis.call('HSET', meta, 'summary', ARGV[3], 'summarised', ARGV[4])
end
drop(session, gone)
crowd(session)
return 1
