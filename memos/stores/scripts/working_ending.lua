-- The end of sessions: they are kept aside until they are dealt with. Whatever one holds, its end is a few steps.

local function log_bytes(session) return session.all_bytes - before(session, 0).bytes end

-- Leave of the log what is to become memories: all, or, of a window alone, what has left it; return whether any is.
local function leave_to_promote(session, promote)
  local log, wanted, bytes = part(session, 'log'), 0, log_bytes(session)
  if promote == '1' then
    wanted = redis.call('LLEN', log)
  elseif promote == '' and session.promote == 'window' then
    wanted = outside(session, {whole(session)}).messages
  end
  local promoting = wanted > 0 and session.first + wanted - 1 > session.promoted
  if promoting then
    session.all_bytes = before(session, wanted).bytes
    redis.call('HSET', part(session, 'meta'), 'all_bytes', digits(session.all_bytes))
    redis.call('LTRIM', log, 0, wanted - 1)
  else
    redis.call('UNLINK', log)
  end
  grow(session, log_bytes(session) - bytes)
  return promoting
end

-- Let go of all values of a session.
local function empty(session)
  redis.call('UNLINK', part(session, 'values'), part(session, 'keys'), part(session, 'expiries'))
  local others = log_bytes(session) + redis.call('HSTRLEN', part(session, 'meta'), 'summary')
  grow(session, others - total(session.epoch))
end

-- Take a session from its agent. Without `promote` ('1' or '0'; '' is as the session says) its log goes at once. Keys
-- that expired before it are still to be told, by sweeps; `untold` is the moment up to which they are.
local function put_aside(session, reason, promote)
  local about, last = described(session, true), math.min(now, session.expires or now)
  local bytes = total(session.epoch)
  redis.call('HDEL', named('sessions'), session.id)
  redis.call('ZREM', named('ids'), session.id)
  redis.call('ZREM', named('crowded'), session.epoch)
  redis.call('HINCRBY', KEYS[1], 'bytes', digits(-bytes))
  redis.call('HINCRBY', KEYS[1], 'aside', digits(bytes))
  session.aside = true
  if promote == '' and session.promote == 'end' then promote = '1' end
  local promoting = leave_to_promote(session, promote)
  redis.call(
    'HSET', part(session, 'meta'), 'reason', reason, 'promoting', promoting and '1' or '0',
    'keys', about[2], 'messages', about[3], 'bytes', about[4]
  )
  if redis.call('ZCOUNT', part(session, 'expiries'), '-inf', digits(last)) > 0 then
    redis.call('HSET', part(session, 'meta'), 'untold', digits(last))
    enter('due', now, session.epoch)
  else
    empty(session)
    redis.call('ZREM', named('due'), session.epoch)
  end
  if not session.ttl then count_lasting(-1) end
  reach(now)
  for _, name in ipairs(PARTS) do redis.call('PEXPIREAT', part(session, name), digits(now + KEEP)) end
  redis.call('HSET', named('former'), session.id, session.epoch)
  retain(named('former'))
  enter('aside', now, session.epoch)
end

-- Tell more of the keys that expired before their session was put aside, at most so many; with the last of them all
-- values go.
local function tell_rest(session, most)
  local cleared = session.untold and clear(session, most, session.untold) or 0
  if cleared < most then
    empty(session)
    redis.call('HDEL', part(session, 'meta'), 'untold')
    redis.call('ZREM', named('due'), session.epoch)
  end
  return cleared
end

-- Forget a session that nobody dealt with until its own keys were gone.
local function vanish(epoch)
  local where = redis.call('ZREM', named('aside'), epoch) == 1 and 'aside' or 'bytes'
  redis.call('HINCRBY', KEYS[1], where, digits(-total(epoch)))
  redis.call('ZREM', named('due'), epoch)
  redis.call('ZREM', named('crowded'), epoch)
  local id = bury(epoch)
  if id and redis.call('HGET', named('sessions'), id) == epoch then
    redis.call('HDEL', named('sessions'), id)
    redis.call('ZREM', named('ids'), id)
  end
  retain(KEYS[1])
end

-- Have a session be looked at when it, or the first of its keys, expires.
local function schedule(session)
  local first = tonumber(redis.call('ZRANGE', part(session, 'expiries'), 0, 0, 'WITHSCORES')[2])
  local moment = math.min(first or math.huge, session.expires or math.huge)
  if moment < math.huge then
    enter('due', moment, session.epoch)
  else
    redis.call('ZREM', named('due'), session.epoch)
  end
end

-- What it takes to put a session aside, in keys.
local SESSION_STEPS = 8

-- Clear away what expired of the agent, about so many keys; return how many. A session counts as several.
local function sweep(most)
  local cleared = 0
  while most > 0 do
    local epoch = redis.call('ZRANGEBYSCORE', named('due'), '-inf', digits(now), 'LIMIT', 0, 1)[1]
    if not epoch then break end
    local session, steps = read(epoch), 1
    if not session then
      vanish(epoch)
    elseif session.aside then
      steps = tell_rest(session, most)
    elseif session.expires and session.expires <= now then
      put_aside(session, 'expired', '')
      steps = SESSION_STEPS
    else
      steps = clear(session, most, now)
      schedule(session)
    end
    cleared, most = cleared + steps, most - math.max(1, steps)
  end
  return cleared
end
