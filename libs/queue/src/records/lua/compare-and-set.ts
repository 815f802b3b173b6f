import { defineScript } from '../../connection/script.ts';
import { eventFunctions } from './append-events.ts';
import { leaseFunctions } from '../../coordination/lua/lease-epoch.ts';

/**
 * Replaces a text if it still is what the caller read; '' stands for absent, as old and as new text.
 * KEYS: key, lease, events of the run, its ledger
 * ARGV: old text, new text, epoch of the lease in which alone it may be done, or '' for anyone, then events as JSON
 * Returns {1} when replaced, {2} when the key held the new text already (perhaps by a resent call of ours), {0} when another text,
 * {-1, newest epoch} when this is not the epoch of the lease.
 */
export const compareAndSetScript = defineScript(`${leaseFunctions}${eventFunctions}
if ARGV[3] ~= '' then
  local lease = leaseEpoch(KEYS[2])
  if tonumber(ARGV[3]) ~= lease then return {-1, lease} end
end
local current = redis.call('GET', KEYS[1]) or ''
if current == ARGV[2] then return {2} end
if current ~= ARGV[1] then return {0} end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2]) end
appendEvents(KEYS[3], KEYS[4], 4)
return {1}
`);
