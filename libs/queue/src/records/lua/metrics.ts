import { defineScript } from '../../connection/script.ts';

/**
 * Appends a line; an earlier line of the same kind and step goes. The oldest lines go beyond the capacity.
 * KEYS: metrics stream, index (field -> stream id)
 * ARGV: field, line JSON, capacity
 * Returns the line's stream id.
 */
export const appendMetricsScript = defineScript(`
local before = redis.call('HGET', KEYS[2], ARGV[1])
if before then redis.call('XDEL', KEYS[1], before) end
local id = redis.call('XADD', KEYS[1], '*', 'field', ARGV[1], 'json', ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], id)
local excess = redis.call('XLEN', KEYS[1]) - tonumber(ARGV[3])
if excess > 0 then
  for _, line in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', excess)) do
    redis.call('XDEL', KEYS[1], line[1])
    if redis.call('HGET', KEYS[2], line[2][2]) == line[1] then redis.call('HDEL', KEYS[2], line[2][2]) end
  end
end
return id
`);

/**
 * Forgets where the lines of some steps are, so that other lines of these steps do not replace them.
 * KEYS: index (field -> stream id); a field is kind/step
 * ARGV: first step of which lines stay; evaluations name the steps before them, so theirs begins one later
 */
export const keepMetricsScript = defineScript(`
local from = tonumber(ARGV[1])
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  local kind, step = string.match(field, '^(%a+)/(%d+)$')
  local first = from
  if kind == 'eval' then first = from + 1 end
  if step and tonumber(step) >= first then redis.call('HDEL', KEYS[1], field) end
end
`);
