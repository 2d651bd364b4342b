-- A command that takes effect once. Its first arguments are the same for all commands:
local DONE, DIGEST, ID, EPOCH = 'done:' .. ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local POLICY = {
  ttl = tonumber(ARGV[5]), window_messages = tonumber(ARGV[6]), window_tokens = tonumber(ARGV[7]), promote = ARGV[8],
}
local MOST = {
  value_bytes = tonumber(ARGV[9]), session_bytes = tonumber(ARGV[10]), session_keys = tonumber(ARGV[11]),
  agent_bytes = tonumber(ARGV[12]), agent_sessions = tonumber(ARGV[13]),
}
local FIRST = 14

-- How long a command is known when it comes again. What that takes is in no account, so it is not for longer.
local REMEMBERED_MS = 600000

-- How many times the sessions that an agent may have may be aside as well, when no worker deals with them.
local MOST_ASIDE = 10

-- What a write that finds no room clears away at most, so that others do not wait for it.
local MOST_CLEARED = 200

-- The answer to a command that was handled before, or nil. Whoever handled it may have died before what is due was
-- registered, so that nothing is known to be.
local function replayed()
  local done = redis.call('GET', named(DONE))
  if not done then return nil end
  if string.sub(done, 1, #DIGEST) ~= DIGEST then return {'repeated', {}} end
  sooner = -math.huge
  return {'done', unregistered(), cmsgpack.unpack(string.sub(done, #DIGEST + 1))}
end

-- Remember the answer to a command, and give it.
local function done(answer)
  redis.call('SET', named(DONE), DIGEST .. cmsgpack.pack(answer), 'PX', REMEMBERED_MS)
  return {'done', unregistered(), answer}
end

-- Nothing was written, but for what was cleared away.
local function refused(reason, ...)
  return {reason, unregistered(), ...}
end

-- The session of the command; `new` says that it is yet to begin.
local function opened()
  local epoch = redis.call('HGET', named('sessions'), ID)
  local session = epoch and read(epoch)
  if session and (not session.expires or session.expires > now) then return session end
  if session then put_aside(session, 'expired', '') elseif epoch then vanish(epoch) end
  return {
    new = true, epoch = EPOCH, id = ID, ttl = POLICY.ttl, promote = POLICY.promote,
    window_messages = POLICY.window_messages, window_tokens = POLICY.window_tokens,
    tokens = 0, first = 1, newest = 0, promoted = 0, floor = 0, all_tokens = 0, all_bytes = 0,
  }
end

local function configure(session)
  redis.call(
    'HSET', part(session, 'meta'), 'ttl', session.ttl or '', 'window_messages', session.window_messages,
    'window_tokens', session.window_tokens, 'promote', session.promote
  )
end

local function begin(session)
  redis.call(
    'HSET', part(session, 'meta'), 'id', session.id, 'created', digits(now), 'tokens', 0, 'first', 1,
    'newest', 0, 'promoted', 0, 'floor', 0, 'all_tokens', 0, 'all_bytes', 0,
    'former', redis.call('HGET', named('former'), session.id) or ''
  )
  configure(session)
  reach(now)
  redis.call('HSET', named('sessions'), session.id, session.epoch)
  redis.call('HSET', named('lives'), session.epoch, session.id)
  redis.call('ZADD', named('ids'), 0, session.id)
  for _, index in ipairs({'sessions', 'lives', 'ids'}) do retain(named(index)) end
  if not session.ttl then count_lasting(1) end
end

-- Have a session end its `ttl` after now; what is left of it then is to be dealt with.
local function touch(session)
  session.expires = session.ttl and now + session.ttl * 1000
  local expires = session.expires and digits(session.expires) or ''
  redis.call('HSET', part(session, 'meta'), 'updated', digits(now), 'expires', expires)
  retain_parts(session)
  schedule(session)
  reach(session.expires or now)
  return expires
end

-- The limit that leaves no room for more bytes and keys, as it is now, or nil.
local function crossed(session, bytes, keys)
  if session.new and redis.call('HLEN', named('sessions')) >= MOST.agent_sessions then return 'agent_sessions' end
  if session.new and redis.call('ZCARD', named('aside')) >= MOST_ASIDE * MOST.agent_sessions then return 'aside' end
  if session.new and total('aside') >= MOST.agent_bytes then return 'aside' end
  if bytes > 0 and total(session.epoch) + bytes > MOST.session_bytes then return 'session_bytes' end
  if bytes > 0 and total('bytes') + bytes > MOST.agent_bytes then return 'agent_bytes' end
  if keys > 0 then
    local expired = redis.call('ZCOUNT', part(session, 'expiries'), '-inf', digits(now))
    local held = redis.call('HLEN', part(session, 'values')) - expired
    if held + keys > MOST.session_keys then return 'session_keys' end
  end
end

-- The same once some of what expired is cleared away, first of the session itself. The rest is due, so that a command
-- that is refused nevertheless may have room a moment later.
local function full(session, bytes, keys)
  if not crossed(session, bytes, keys) then return nil end
  sooner = -math.huge
  clear(session, MOST_CLEARED, now)
  sweep(MOST_CLEARED)
  return crossed(session, bytes, keys)
end

-- What a write is refused for, or nil: it has room, and its session has begun.
local function entered(session, bytes, keys)
  local limit = full(session, bytes, keys)
  if limit then return refused('full', limit) end
  if session.new then begin(session) end
end
