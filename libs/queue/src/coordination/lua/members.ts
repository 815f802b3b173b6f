import { defineScript } from '../../connection/script.ts';

/**
 * Notes that a member lives.
 * KEYS: members, seen, orders
 * ARGV: memberId, MemberInfo JSON, hint channel or '' when there is no news
 * Returns the LeaveOrder JSON of a member that is told to leave, or nil.
 */
export const heartbeatScript = defineScript(`
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000)), ARGV[1])
if ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[3], ARGV[1]) end
return redis.call('HGET', KEYS[3], ARGV[1])
`);

/**
 * Leaves an order for a member.
 * KEYS: members, orders
 * ARGV: memberId, LeaveOrder JSON
 * Returns 0 when there is no such member.
 */
export const orderScript = defineScript(`
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return 1
`);

/**
 * Lists members by id with their ages, and forgets those not seen for ttlMs. Ages are by the clock of Redis, which may be set: a member
 * seen in the future counts as seen now, and from one look to the next nobody ages by more than half of ttlMs. So nobody who is dead lives
 * on for the length of a step back, and nobody who lives is dropped by a step forward.
 * KEYS: members, seen, time of the last look, orders
 * ARGV: ttlMs, '1' to forget, '0' only to read
 * Returns {memberId, MemberInfo JSON, age in ms, ...}.
 */
export const listMembersScript = defineScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ttl = tonumber(ARGV[1])
local between = now - tonumber(redis.call('GET', KEYS[3]) or now)
local forgets = ARGV[2] == '1'
if forgets then redis.call('SET', KEYS[3], string.format('%d', now)) end
local listed = {}
local seen = redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')
for i = 1, #seen, 2 do
  local id, at = seen[i], tonumber(seen[i + 1])
  local atNow = at
  if between > ttl / 2 and now - at > ttl / 2 then atNow = at + between - ttl / 2 end
  atNow = math.min(atNow, now)
  if forgets and atNow ~= at then redis.call('ZADD', KEYS[2], string.format('%d', atNow), id) end
  if forgets and now - atNow > ttl then
    redis.call('HDEL', KEYS[1], id)
    redis.call('ZREM', KEYS[2], id)
    redis.call('HDEL', KEYS[4], id)
  else
    listed[#listed + 1] = id
    listed[#listed + 1] = redis.call('HGET', KEYS[1], id) or ''
    listed[#listed + 1] = now - atNow
  end
end
return listed
`);
