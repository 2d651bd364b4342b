-- Logs: a list of `tokens|tokens before|bytes before|json`, the first of which has the number `first`. What is before a
-- message is counted from the first that the session ever had, so that what many messages are together is told by two.

-- What a message takes beside its JSON, as MEMORY USAGE says: from 18 bytes to 30.
local MESSAGE_BYTES = 32

-- What all messages that a session ever had are together.
local function whole(session) return {tokens = session.all_tokens, bytes = session.all_bytes} end

-- What is before a place in a log, or before its end.
local function before(session, place)
  local entry = redis.call('LINDEX', part(session, 'log'), place)
  if not entry then return whole(session) end
  local tokens, bytes = string.match(entry, '^%d+|(%d+)|(%d+)|')
  return {tokens = tonumber(tokens), bytes = tonumber(bytes)}
end

-- How many of the oldest messages are outside the window, with their tokens and bytes; the newest message always stays.
-- `added` has what is before each message that is to follow those in the log, and what is before their end.
local function outside(session, added)
  local held = redis.call('LLEN', part(session, 'log'))
  local function at(place)
    if place >= held then return added[place - held + 1] end
    return before(session, place)
  end
  local count, first, last = held + #added - 1, at(0), added[#added]
  local low, high = math.max(0, count - session.window_messages), math.max(0, count - 1)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if last.tokens - at(middle).tokens > session.window_tokens then low = middle + 1 else high = middle end
  end
  return {messages = low, tokens = at(low).tokens - first.tokens, bytes = at(low).bytes - first.bytes}
end

-- Note whether a log has outgrown its window, so that messages are to leave it.
local function crowd(session)
  if session.aside then return end
  local held = redis.call('LLEN', part(session, 'log'))
  local over = held > session.window_messages or session.tokens > session.window_tokens
  if session.promote == 'never' or held < 2 or not over then
    redis.call('ZREM', named('crowded'), session.epoch)
  elseif not redis.call('ZSCORE', named('crowded'), session.epoch) then
    enter('crowded', now, session.epoch)
  end
end

-- Drop the oldest messages, of so many tokens and bytes.
local function drop(session, gone)
  if gone.messages == 0 and gone.bytes == 0 then return end
  redis.call('LTRIM', part(session, 'log'), gone.messages, -1)
  session.first, session.tokens = session.first + gone.messages, session.tokens - gone.tokens
  redis.call('HSET', part(session, 'meta'), 'first', session.first, 'tokens', session.tokens)
  grow(session, -gone.bytes)
end
