import { defineScript } from '../script.ts';

/**
 * Notes that a member lives.
 * KEYS: members, seen
 * ARGV: memberId, MemberInfo JSON, hint channel or '' when there is no news
 */
export const heartbeatScript = defineScript(`
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000)), ARGV[1])
if ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[3], ARGV[1]) end
`);

/**
 * Lists live members by id and forgets those not seen for ttlMs.
 * KEYS: members, seen
 * ARGV: ttlMs
 * Returns {memberId, MemberInfo JSON, age in ms, ...}.
 */
export const listMembersScript = defineScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local oldest = string.format('%d', now - ARGV[1])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. oldest)) do
  redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
end
local live = {}
local seen = redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')
for i = 1, #seen, 2 do
  live[#live + 1] = seen[i]
  live[#live + 1] = redis.call('HGET', KEYS[1], seen[i]) or ''
  live[#live + 1] = now - tonumber(seen[i + 1])
end
return live
`);
