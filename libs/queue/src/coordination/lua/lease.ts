import { defineScript } from '../../connection/script.ts';
import { leaseFunctions } from './lease-epoch.ts';

/**
 * Takes or renews the lease. A new epoch begins when the holder changes, and when Redis is another than the lease was given
 * in: its `run_id` differs, as after a restart or a failover, or it knows less than `usedEpoch`. Then what it holds may be older than
 * what was seen, and `serverEpoch` says so to whoever leads: what stands under an epoch before it is of another life of Redis. What such
 * a life lacks is put back once; until somebody has noted that it was, it is left to each holder.
 * An epoch is the time in ms at which it begins, by the later of two clocks, or one more than the newest known: no epoch is given out twice,
 * even to a holder that knows of none before a loss, and after the clock of Redis went back.
 * A lease that ends later than its time to live from now is of a clock that went back; it ends that long from now.
 * KEYS: lease
 * ARGV: holderId, ttlMs, usedEpoch, time in ms by the clock of the holder
 * Returns {1, epoch, holderId, ttlMs, serverEpoch, 1 if all was put back} when held, {0, epoch, other holder, its remaining ms, serverEpoch} when not.
 */
export const acquireLeaseScript = defineScript(`${leaseFunctions}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local server = serverId()
local lease = redis.call('HMGET', KEYS[1], 'holder', 'epoch', 'expiresAtMs', 'ttlMs', 'server', 'serverEpoch',
  'restoredEpoch')
local holder, epoch = lease[1], tonumber(lease[2] or 0)
local latest = now + tonumber(lease[4] or ARGV[2])
local expires = tonumber(lease[3] or 0)
if holder and expires > latest then
  expires = latest
  redis.call('HSET', KEYS[1], 'expiresAtMs', string.format('%d', expires))
end
if holder and holder ~= ARGV[1] and expires > now then
  return {0, epoch, holder, expires - now, tonumber(lease[6] or 0)}
end
local used = tonumber(ARGV[3])
local isSame = lease[5] == server and epoch >= used
if holder ~= ARGV[1] or not isSame then
  epoch = math.max(now, tonumber(ARGV[4]), math.max(epoch, used) + 1)
end
local serverEpoch = isSame and tonumber(lease[6]) or epoch
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'epoch', string.format('%d', epoch),
  'expiresAtMs', string.format('%d', now + ARGV[2]), 'ttlMs', ARGV[2],
  'server', server, 'serverEpoch', string.format('%d', serverEpoch))
local isRestored = tonumber(lease[7] or 0) == serverEpoch and 1 or 0
return {1, epoch, ARGV[1], tonumber(ARGV[2]), serverEpoch, isRestored}
`);

/**
 * Notes that all which this life of Redis lacked was put back. Only in the epoch of the lease.
 * KEYS: lease
 * ARGV: epoch
 * Returns null, or the newest epoch when that is another.
 */
export const noteRestoredScript = defineScript(`${leaseFunctions}
local newest = leaseEpoch(KEYS[1])
if newest == 0 or newest ~= tonumber(ARGV[1]) then return newest end
redis.call('HSET', KEYS[1], 'restoredEpoch', redis.call('HGET', KEYS[1], 'serverEpoch'))
return false
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
