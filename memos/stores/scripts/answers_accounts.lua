-- What every script on the answers of a tenant begins with. All keys begin with KEYS[1], which has the hash tag.
--   answer:<key>      hash: document, created, uses; of one that questions find also question and vector
--   about             hash: by key what is known of an answer, as JSON
--   expiry            sorted set: keys by the millisecond at which they end; what is not in here is no answer
--   used              sorted set: keys by what goes first when there is no room
--   totals            hash: bytes, questions, evicted, revision, eviction, and age, which is for `lfu`
--   model:<model>, source:<kind>:<id>   sets of keys
--   questions:<context>:<embedding model>   sorted set: keys by revision
--   lease:<key>       who makes an answer
--   barred:<name>     the microsecond before which answers were begun that are not kept; <name> is that of a set,
--                     key:<key>, or nothing, which is all answers
local prefix = KEYS[1]
local ABOUT, EXPIRY, USED, TOTALS = prefix .. 'about', prefix .. 'expiry', prefix .. 'used', prefix .. 'totals'
local clock = redis.call('TIME')
local moment = clock[1] * 1000000 + clock[2]
local now = math.floor(moment / 1000)

local function answer_of(key) return prefix .. 'answer:' .. key end
local function lease_of(key) return prefix .. 'lease:' .. key end

local function barred_of(name) return prefix .. 'barred:' .. name end

local function subtract(name, number)
  if redis.call('HEXISTS', TOTALS, name) == 1 then redis.call('HINCRBY', TOTALS, name, -number) end
end

-- Of what cannot be read the bytes go on counting, until they are counted anew when nothing is left.
local function forget_where(about, key)
  subtract('bytes', about.size)
  redis.call('SREM', prefix .. 'model:' .. about.model, key)
  for _, source in ipairs(about.sources) do redis.call('SREM', prefix .. 'source:' .. source[1], key) end
  if about.group then
    redis.call('ZREM', prefix .. 'questions:' .. about.group, key)
    subtract('questions', 1)
  end
end

-- Take an answer out of all accounts, whatever there is of it; true when it had not ended.
local function remove(key)
  local ends = redis.call('ZSCORE', EXPIRY, key)
  local text = redis.call('HGET', ABOUT, key)
  redis.call('UNLINK', answer_of(key))
  redis.call('ZREM', EXPIRY, key)
  redis.call('ZREM', USED, key)
  if text then
    redis.call('HDEL', ABOUT, key)
    local readable, about = pcall(cjson.decode, text)
    if readable then pcall(forget_where, about, key) end
  end
  return ends and tonumber(ends) > now
end

local function sweep(limit)
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', EXPIRY, '-inf', now, 'LIMIT', 0, limit)) do remove(key) end
end

-- Least recently used: the moment. Least frequently used, with dynamic aging (LFU-DA; Arlitt et al., 2000): how
-- often, plus the score of the last that had to go, so that what was used much long ago goes in the end.
local function touch(key, eviction)
  local found = redis.call('HMGET', TOTALS, 'eviction', 'age')
  if found[1] ~= eviction then return end
  local score = moment
  if eviction == 'lfu' then score = found[2] + redis.call('HINCRBY', answer_of(key), 'uses', 1) end
  redis.call('ZADD', USED, 'XX', score, key)
end

-- An answer that has not ended, and is whole, as used now; else false. What is half there is removed.
local function read(key, eviction)
  local ends = redis.call('ZSCORE', EXPIRY, key)
  if not ends then return false end
  local about = redis.call('HGET', ABOUT, key)
  local kept = redis.pcall('HMGET', answer_of(key), 'document', 'created')
  if tonumber(ends) > now and about and kept[1] and kept[2] then
    touch(key, eviction)
    return {kept[1], about, kept[2], ends}
  end
  remove(key)
  return false
end
