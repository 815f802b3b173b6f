import { defineScript } from '../script.ts';

/**
 * Takes or renews the lease. The epoch grows when the holder changes, and when Redis holds less than `usedEpoch` because
 * it has lost its data. Where there is none yet, epochs begin with the time in ms: they grow more slowly than time does, so
 * that no epoch is given out twice, even to a holder that knows of none before a loss.
 * KEYS: lease
 * ARGV: holderId, ttlMs, usedEpoch
 * Returns {1, epoch, holderId, ttlMs} when held, {0, epoch, other holder, its remaining ms} when not.
 */
export const acquireLeaseScript = defineScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = redis.call('HMGET', KEYS[1], 'holder', 'epoch', 'expiresAtMs')
local holder, epoch, expires = lease[1], tonumber(lease[2] or now), tonumber(lease[3] or 0)
if holder and holder ~= ARGV[1] and expires > now then
  return {0, epoch, holder, expires - now}
end
local used = tonumber(ARGV[3])
if holder ~= ARGV[1] or epoch < used then epoch = math.max(epoch, used) + 1 end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'epoch', epoch, 'expiresAtMs', string.format('%d', now + ARGV[2]))
return {1, epoch, ARGV[1], tonumber(ARGV[2])}
`);

/**
 * Gives the lease up; the epoch stays.
 * KEYS: lease
 * ARGV: holderId
 * Returns 1 when it was held by holderId, else 0.
 */
export const releaseLeaseScript = defineScript(`
if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then return 0 end
return redis.call('HDEL', KEYS[1], 'holder')
`);
