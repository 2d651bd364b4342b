-- ARGV: key, eviction, most bytes, milliseconds, lease or '', about, document, question or '', vector or '';
-- microseconds for which bars last, the moment when it was looked for or '', microseconds that making it took, bytes
-- that a source takes beside its name.
-- The millisecond at which it ends; 0 when there is no room for it, -1 when it was forgotten while it was made, -2
-- when it has too many sources.
local MOST_EVICTED, MOST_SOURCES = 5000, 1000
local key, eviction, most, milliseconds, lease, text, document, question, vector = unpack(ARGV, 1, 9)
local lasting, begun, took, source_bytes = tonumber(ARGV[10]), ARGV[11], ARGV[12], ARGV[13]
local about = cjson.decode(text)
begun = tonumber(begun) or (moment - took)

-- Whether answers like it were forgotten since it was looked for; of what was longer ago nothing tells.
local function is_barred()
  if moment - begun >= lasting then return true end
  local places = {barred_of(''), barred_of('key:' .. key), barred_of('model:' .. about.model)}
  for _, source in ipairs(about.sources) do places[#places + 1] = barred_of('source:' .. source[1]) end
  for _, at in ipairs(redis.call('MGET', unpack(places))) do
    if at and tonumber(at) >= begun then return true end
  end
  return false
end

-- The sources of the answer in its place that it does not name, and the bytes that they take.
local function further_sources()
  local ends, former = redis.call('ZSCORE', EXPIRY, key), redis.call('HGET', ABOUT, key)
  local known, further, bytes = {}, {}, 0
  if not (ends and former and tonumber(ends) > now) then return further, bytes end
  for _, source in ipairs(about.sources) do known[source[1]] = true end
  for _, source in ipairs(cjson.decode(former).sources) do
    if not known[source[1]] then
      further[#further + 1] = source
      bytes = bytes + source_bytes + 2 * #source[1]
    end
  end
  return further, bytes
end

-- Who knows the sources of the answer in its place is given this one too: it goes with those as well.
local function take_over_sources()
  local readable, further, bytes = pcall(further_sources)
  if not readable or #further == 0 then return end
  for _, source in ipairs(further) do about.sources[#about.sources + 1] = source end
  about.size = about.size + bytes
  text = cjson.encode(about)
end

local function outlive(place, ends)
  redis.call('PEXPIREAT', place, ends, 'NX')
  redis.call('PEXPIREAT', place, ends, 'GT')
end

-- Answers that were kept by another policy are all the same to this one.
local function adopt()
  local former = redis.call('HGET', TOTALS, 'eviction')
  if former == eviction then return end
  if former and redis.call('EXISTS', USED) == 1 then
    redis.call('ZUNIONSTORE', USED, 1, USED, 'WEIGHTS', 0)
    redis.call('PEXPIREAT', USED, redis.call('PEXPIRETIME', EXPIRY))
  end
  redis.call('HSET', TOTALS, 'eviction', eviction, 'age', 0)
end

local function evict(victim, score)
  remove(victim)
  redis.call('HINCRBY', TOTALS, 'evicted', 1)
  if eviction == 'lfu' then redis.call('HSET', TOTALS, 'age', score) end
end

local function make_room(room)
  for _ = 1, MOST_EVICTED do
    if tonumber(redis.call('HGET', TOTALS, 'bytes') or 0) <= room then return true end
    local victim = redis.call('ZRANGE', USED, 0, 0, 'WITHSCORES')
    if not victim[1] then
      redis.call('HSET', TOTALS, 'bytes', 0, 'questions', 0)
      return true
    end
    evict(victim[1], victim[2])
  end
  return false
end

local function index_question(ends)
  local former = tonumber(redis.call('HGET', TOTALS, 'revision') or 0)
  local revision = math.max(moment, former + 1)
  redis.call('HSET', TOTALS, 'revision', revision)
  redis.call('HINCRBY', TOTALS, 'questions', 1)
  redis.call('HSET', answer_of(key), 'question', question, 'vector', vector)
  redis.call('ZADD', prefix .. 'questions:' .. about.group, revision, key)
  outlive(prefix .. 'questions:' .. about.group, ends)
end

local function add(place, ends)
  redis.call('SADD', place, key)
  outlive(place, ends)
end

if lease ~= '' and redis.call('GET', lease_of(key)) == lease then redis.call('UNLINK', lease_of(key)) end
sweep(100)
if is_barred() then return -1 end
take_over_sources()
if #about.sources > MOST_SOURCES then
  remove(key)
  return -2
end
local room = tonumber(most) - about.size
if room < 0 then return 0 end
remove(key)
adopt()
local fits = make_room(room)
local ends = now + milliseconds
if fits then
  redis.call('HSET', answer_of(key), 'document', document, 'created', now, 'uses', 1)
  redis.call('HSET', ABOUT, key, text)
  redis.call('ZADD', EXPIRY, ends, key)
  redis.call('ZADD', USED, eviction == 'lru' and moment or redis.call('HGET', TOTALS, 'age') + 1, key)
  redis.call('HINCRBY', TOTALS, 'bytes', about.size)
  add(prefix .. 'model:' .. about.model, ends)
  for _, source in ipairs(about.sources) do add(prefix .. 'source:' .. source[1], ends) end
  if about.group then index_question(ends) end
  redis.call('PEXPIREAT', answer_of(key), ends)
end
-- The accounts end together, and not before the last of what they count.
local horizon = math.max(ends, redis.call('PEXPIRETIME', TOTALS))
for _, place in ipairs({ABOUT, EXPIRY, USED, TOTALS}) do redis.call('PEXPIREAT', place, horizon) end
return fits and ends or 0
