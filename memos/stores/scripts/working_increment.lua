-- Add to a number: key, ttl, and the number to add. Integers are added as such, others as doubles.

-- The sum of two integers of 64 bits, or nil where it is none; Lua has doubles only.
local function exact(session, one, other)
  local key = part(session, 'sum')
  redis.call('HSET', key, 'sum', one)
  local sum = redis.pcall('HINCRBY', key, 'sum', other)
  local text = type(sum) == 'number' and redis.call('HGET', key, 'sum') or nil
  redis.call('DEL', key)
  return text
end

-- The sum of two doubles, in as few digits as tell it from others, or nil where it is infinite.
local function inexact(one, other)
  local sum = tonumber(one) + tonumber(other)
  if sum ~= sum or sum == math.huge or sum == -math.huge then return nil end
  local text
  for digit = 15, 17 do
    text = string.format('%.' .. digit .. 'g', sum)
    if tonumber(text) == sum then break end
  end
  return string.find(text, '[.e]') and text or text .. '.0'
end

local function sum_of(session, one, other)
  if string.find(one, '^-?%d+$') and string.find(other, '^-?%d+$') then
    return exact(session, one == '-0' and '0' or one, other)
  end
  return inexact(one, other)
end

local known = replayed()
if known then return known end
local session, key, ttl, by = opened(), ARGV[FIRST], ARGV[FIRST + 1], ARGV[FIRST + 2]
local before = present(session, {key})[key]
local number = before and string.sub(before.text, before.start) or '0'
if not string.find(number, '^-?%d') then return refused('no_number', key) end
local sum = sum_of(session, number, by)
if not sum then return refused('overflow', key) end
local refusal = entered(session, #key + #sum + KEY_BYTES - (before and before.bytes or 0), before and 0 or 1)
if refusal then return refusal end
local expires = expiry(ttl, before)
local version = keep(session, {{key = key, before = before, json = sum, expires = expires}})[1]
touch(session)
return done({digits(now), version, expires and digits(expires) or '', sum})
