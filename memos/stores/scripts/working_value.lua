-- Values: `version|updated|expires|length|json`, where `expires` and `length` (of a list) may be empty.

-- What a key takes beside its text and its JSON, as MEMORY USAGE says: from 160 bytes to 360, the more if it expires.
local KEY_BYTES = 256

-- Bounds what is kept of keys that expired while nobody tells of them, to some 30 MB for an agent. Sweeps stop there,
-- but writes do not.
local MOST_UNTOLD = 100000

-- Note of keys that they expired. Beyond MOST_UNTOLD the oldest are lost, and counted.
local function tell(session, values)
  if #values == 0 then return end
  local key, arguments = named('expired'), {}
  for place, value in ipairs(values) do
    arguments[2 * place - 1] = digits(value.expires)
    arguments[2 * place] = table.concat({session.epoch, value.version, #session.id, session.id .. value.key}, ':')
    sooner = math.min(sooner, value.expires)
  end
  local added = redis.call('ZADD', key, unpack(arguments))
  local held = redis.call('ZCARD', key)
  if held == added then retain(key) end
  if held > MOST_UNTOLD then
    redis.call('ZPOPMIN', key, held - MOST_UNTOLD)
    redis.call('HINCRBY', KEYS[1], 'lost', held - MOST_UNTOLD)
  end
end

local function parsed(key, text)
  local version, updated, expires, length, start = string.match(text, '^(%d+)|(%d+)|(%d*)|(%d*)|()')
  return {
    key = key, text = text, version = tonumber(version), expires = tonumber(expires), length = tonumber(length),
    start = start, bytes = #key + #text - start + 1 + KEY_BYTES,
  }
end

-- Versions go on above those that were removed, so that no two values of a key have the same.
local function remove(session, values)
  if #values == 0 then return end
  local keys, bytes, floor = {}, 0, session.floor
  for place, value in ipairs(values) do
    keys[place], bytes, floor = value.key, bytes + value.bytes, math.max(floor, value.version)
  end
  redis.call('HDEL', part(session, 'values'), unpack(keys))
  redis.call('ZREM', part(session, 'keys'), unpack(keys))
  redis.call('ZREM', part(session, 'expiries'), unpack(keys))
  grow(session, -bytes)
  if floor > session.floor then
    session.floor = floor
    redis.call('HSET', part(session, 'meta'), 'floor', floor)
  end
end

-- The values of keys, by key: those that expired up to a moment, and those that did not.
local function found(session, keys, moment)
  local expired, present = {}, {}
  for place, text in ipairs(redis.call('HMGET', part(session, 'values'), unpack(keys))) do
    local value = text and parsed(keys[place], text)
    if value and value.expires and value.expires <= moment then
      expired[#expired + 1] = value
    elseif value then
      present[value.key] = value
    end
  end
  return expired, present
end

-- The values that keys have now, by key; what has expired is cleared away.
local function present(session, keys)
  local expired, values = found(session, keys, now)
  tell(session, expired)
  remove(session, expired)
  return values
end

-- Clear away keys that expired up to a moment, at most so many; return how many.
local function clear(session, most, moment)
  local keys = redis.call('ZRANGEBYSCORE', part(session, 'expiries'), '-inf', digits(moment), 'LIMIT', 0, most)
  if #keys == 0 then return 0 end
  local expired = found(session, keys, moment)
  tell(session, expired)
  remove(session, expired)
  return #keys
end

-- Note when keys expire, each after its moment, and that others never do.
local function time_out(session, expiring, lasting)
  local expiries = part(session, 'expiries')
  if #lasting > 0 then redis.call('ZREM', expiries, unpack(lasting)) end
  if #expiring == 0 then return end
  redis.call('ZADD', expiries, unpack(expiring))
  session.partial = session.partial or redis.call('ZCARD', expiries) <= #expiring / 2
end

-- Keep the next version of each of some values, of which each says which one it takes the place of (`before`); return
-- these versions.
local function keep(session, values)
  local texts, expiring, lasting, added, versions, bytes = {}, {}, {}, {}, {}, 0
  for place, value in ipairs(values) do
    local before, expires = value.before, value.expires and digits(value.expires)
    versions[place] = (before and before.version or session.floor) + 1
    texts[#texts + 1] = value.key
    texts[#texts + 1] = table.concat({versions[place], digits(now), expires or '', value.length or '', value.json}, '|')
    if expires then
      expiring[#expiring + 1], expiring[#expiring + 2] = expires, value.key
    elseif before and before.expires then
      lasting[#lasting + 1] = value.key
    end
    if not before then added[#added + 1], added[#added + 2] = 0, value.key end
    bytes = bytes + #value.key + #value.json + KEY_BYTES - (before and before.bytes or 0)
  end
  redis.call('HSET', part(session, 'values'), unpack(texts))
  if #added > 0 then
    redis.call('ZADD', part(session, 'keys'), unpack(added))
    session.partial = session.partial or redis.call('ZCARD', part(session, 'keys')) == #added / 2
  end
  time_out(session, expiring, lasting)
  grow(session, bytes)
  return versions
end

-- When a key expires: after its `ttl`, if one is given, else as before.
local function expiry(ttl, before)
  if ttl ~= '' then return now + tonumber(ttl) * 1000 end
  return before and before.expires
end
