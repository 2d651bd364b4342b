-- A session: parts of it are keys named by its epoch, so that ending it renames nothing.
local PARTS = {'meta', 'values', 'keys', 'expiries', 'log'}

local function part(session, name) return named(session.epoch .. ':' .. name) end

local function read(epoch)
  local session = {epoch = epoch}
  local fields = redis.call(
    'HMGET', part(session, 'meta'), 'id', 'ttl', 'expires', 'window_messages', 'window_tokens', 'promote',
    'tokens', 'first', 'newest', 'promoted', 'floor', 'reason', 'kept', 'former', 'all_tokens', 'all_bytes',
    'summarised', 'untold'
  )
  if not fields[1] then return nil end
  session.id, session.ttl, session.expires = fields[1], tonumber(fields[2]), tonumber(fields[3])
  session.window_messages, session.window_tokens = tonumber(fields[4]), tonumber(fields[5])
  session.promote, session.tokens, session.first = fields[6], tonumber(fields[7]), tonumber(fields[8])
  session.newest, session.promoted, session.floor = tonumber(fields[9]), tonumber(fields[10]), tonumber(fields[11])
  session.aside, session.kept, session.former = fields[12] and true, tonumber(fields[13]), fields[14] or ''
  session.all_tokens, session.all_bytes = tonumber(fields[15]), tonumber(fields[16])
  session.summarised, session.untold = tonumber(fields[17] or 0), tonumber(fields[18])
  return session
end

-- The session that an id has now, or nil.
local function live(id)
  local epoch = redis.call('HGET', named('sessions'), id)
  local session = epoch and read(epoch)
  if session and (not session.expires or session.expires > now) then return session end
end

-- Whether the life that the session's id had before is still kept aside; that one waits for those before it.
local function waits(session)
  return session.former ~= '' and redis.call('ZSCORE', named('aside'), session.former) and true
end

-- All that is told of a session: its fields (of a `brief` one without the summary), how many keys and messages it
-- has, and its bytes.
local function described(session, brief)
  local fields = redis.call('HGETALL', part(session, 'meta'))
  for place = 1, brief and #fields or 0, 2 do
    if fields[place] == 'summary' then fields[place + 1] = '' end
  end
  local keys = redis.call('HLEN', part(session, 'values'))
  keys = keys - redis.call('ZCOUNT', part(session, 'expiries'), '-inf', digits(now))
  return {fields, tostring(keys), tostring(redis.call('LLEN', part(session, 'log'))), digits(total(session.epoch))}
end

-- Have the parts of a session be kept for KEEP after it expires; SLACK spares doing it at every write. `partial` says
-- that a part may be there only now.
local function retain_parts(session)
  local needed = session.expires and session.expires + KEEP
  if not needed and not session.kept then return end
  if needed and not session.partial and session.kept and needed <= session.kept then return end
  session.kept = needed and needed + SLACK
  redis.call('HSET', part(session, 'meta'), 'kept', needed and digits(session.kept) or '')
  for _, name in ipairs(PARTS) do
    if needed then
      redis.call('PEXPIREAT', part(session, name), digits(session.kept))
    else
      redis.call('PERSIST', part(session, name))
    end
  end
end

-- Forget an epoch; return the id that it had.
local function bury(epoch)
  local id = redis.call('HGET', named('lives'), epoch)
  redis.call('HDEL', KEYS[1], epoch)
  redis.call('HDEL', named('lives'), epoch)
  if id and redis.call('HGET', named('former'), id) == epoch then redis.call('HDEL', named('former'), id) end
  return id
end

local function grow(session, bytes)
  redis.call('HINCRBY', KEYS[1], session.epoch, digits(bytes))
  redis.call('HINCRBY', KEYS[1], session.aside and 'aside' or 'bytes', digits(bytes))
end
