-- Change how a session is kept: ttl, lasting ('1', '0' or ''), window_messages, window_tokens, promote.
local known = replayed()
if known then return known end
local session = opened()
local ttl, lasting, promote = tonumber(ARGV[FIRST]), ARGV[FIRST + 1], ARGV[FIRST + 4]
local refusal = entered(session, 0, 0)
if refusal then return refusal end
local lasted = not session.ttl
if ttl then
  session.ttl = ttl
elseif lasting == '1' then
  session.ttl = nil
elseif lasting == '0' and lasted then
  session.ttl = POLICY.ttl
end
session.window_messages = tonumber(ARGV[FIRST + 2]) or session.window_messages
session.window_tokens = tonumber(ARGV[FIRST + 3]) or session.window_tokens
if promote ~= '' then session.promote = promote end
configure(session)
if lasted and session.ttl then count_lasting(-1) elseif session.ttl == nil and not lasted then count_lasting(1) end
if session.promote == 'never' then drop(session, outside(session, {whole(session)})) end
crowd(session)
touch(session)
return done({session.epoch, described(session, true)})
