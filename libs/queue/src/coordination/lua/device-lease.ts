import { defineScript } from '../../connection/script.ts';

/**
 * Takes or renews the lease of a device.
 * KEYS: lease
 * ARGV: holderId, ttlMs
 * Returns the holder, which is holderId when it was free or already ours.
 */
export const acquireDeviceScript = defineScript(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return holder end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
`);

/**
 * KEYS: lease
 * ARGV: holderId
 * Returns 1 when it was held by holderId, else 0.
 */
export const releaseDeviceScript = defineScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);
