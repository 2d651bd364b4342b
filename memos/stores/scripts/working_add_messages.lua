-- Append messages to a log: tokens and JSON of each.
local known = replayed()
if known then return known end
local session = opened()
local added, entries = {whole(session)}, {}
for place = FIRST, #ARGV, 2 do
  local json, last = ARGV[place + 1], added[#added]
  entries[#entries + 1] = table.concat({ARGV[place], digits(last.tokens), digits(last.bytes), json}, '|')
  added[#added + 1] = {tokens = last.tokens + tonumber(ARGV[place]), bytes = last.bytes + #json + MESSAGE_BYTES}
end
local before, after = added[1], added[#added]
local gone = {messages = 0, tokens = 0, bytes = 0}
if session.promote == 'never' then gone = outside(session, added) end
local refusal = entered(session, after.bytes - before.bytes - gone.bytes, 0)
if refusal then return refusal end
local log = part(session, 'log')
session.partial = redis.call('RPUSH', log, unpack(entries)) == #entries
session.newest, session.tokens = session.newest + #entries, session.tokens + after.tokens - before.tokens
redis.call(
  'HSET', part(session, 'meta'), 'newest', session.newest, 'tokens', session.tokens,
  'all_tokens', digits(after.tokens), 'all_bytes', digits(after.bytes)
)
grow(session, after.bytes - before.bytes)
drop(session, gone)
crowd(session)
local expires = touch(session)
return done({
  session.epoch, tostring(session.newest - #entries + 1), tostring(redis.call('LLEN', log)),
  tostring(session.tokens), expires,
})
