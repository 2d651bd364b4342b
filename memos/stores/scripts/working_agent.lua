-- What an agent's sessions have in common. KEYS[1] is a hash: the bytes of its sessions together (`bytes`), of those
-- that are kept aside (`aside`) and of each by its epoch, how many are `lasting`, and until when its keys are kept
-- (`kept`). All other keys begin with the name of that hash and are in its slot.
local KEEP, SLACK = 604800000, 86400000
local INDEXES = {'sessions', 'ids', 'lives', 'former', 'due', 'crowded', 'aside', 'expired'}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function named(name) return KEYS[1] .. ':' .. name end
-- An integer in full; adding 0 makes 0 of -0.
local function digits(number) return string.format('%.0f', number + 0) end
local function total(field) return tonumber(redis.call('HGET', KEYS[1], field) or 0) end

-- Have a key end with the agent's keys, or never, if a session is lasting.
local function retain(key)
  if total('lasting') > 0 then
    redis.call('PERSIST', key)
  else
    redis.call('PEXPIREAT', key, digits(math.max(total('kept'), now + KEEP)))
  end
end

local function retain_all()
  retain(KEYS[1])
  for _, name in ipairs(INDEXES) do retain(named(name)) end
end

-- Keep the agent's keys for KEEP after a moment; SLACK spares doing it at every write.
local function reach(moment)
  if moment + KEEP > total('kept') then
    redis.call('HSET', KEYS[1], 'kept', digits(moment + KEEP + SLACK))
    retain_all()
  end
end

local sooner = math.huge

-- Enter a member in an index by a moment.
local function enter(index, moment, member)
  local key = named(index)
  sooner = math.min(sooner, moment)
  if redis.call('ZADD', key, digits(moment), member) == 1 and redis.call('ZCARD', key) == 1 then retain(key) end
end

local function count_lasting(more)
  redis.call('HINCRBY', KEYS[1], 'lasting', more)
  retain_all()
end

local function soonest()
  local found
  for _, index in ipairs({'due', 'crowded', 'aside', 'expired'}) do
    local moment = tonumber(redis.call('ZRANGE', named(index), 0, 0, 'WITHSCORES')[2])
    if moment and (not found or moment < found) then found = moment end
  end
  return found
end

-- When something of the agent's is due, and until when it is kept, unless it is known to be looked at by then.
local function unregistered()
  local known = tonumber(redis.call('GET', named('registered')) or '')
  if known and known <= sooner then return {} end
  local moment = soonest()
  if not moment then return {} end
  return {digits(math.max(moment, now)), digits(math.max(total('kept'), moment + KEEP))}
end
