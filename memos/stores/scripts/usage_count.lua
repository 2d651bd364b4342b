-- KEYS[1]: the account of a day. ARGV: second at which it ends, most rows; then of each a row, that of others of
-- its kind, and counts. One that has no room any more is counted as that of others. Counts are JSON, and are added.
local ends, most = ARGV[1], tonumber(ARGV[2])

local function add(row, others, counts)
  local kept = redis.call('HGET', KEYS[1], row)
  if not kept and row ~= others and redis.call('HLEN', KEYS[1]) >= most then return add(others, others, counts) end
  local readable, sums = pcall(cjson.decode, kept or '{}')
  if not readable or type(sums) ~= 'table' then sums = {} end
  for name, number in pairs(cjson.decode(counts)) do sums[name] = (tonumber(sums[name]) or 0) + number end
  redis.call('HSET', KEYS[1], row, cjson.encode(sums))
end

for place = 3, #ARGV, 3 do add(ARGV[place], ARGV[place + 1], ARGV[place + 2]) end
redis.call('EXPIREAT', KEYS[1], ends)
return redis.call('HLEN', KEYS[1])
