import { defineScript } from '../../connection/script.ts';
import { leaseFunctions } from './lease-epoch.ts';

/**
 * Rewinds the ledger to a number of steps. Entries that were committed under a newer view than the rewind was made at are
 * of the attempt after it, and stay. Only in the epoch of the lease.
 * KEYS: lease, view, votes, ledger
 * ARGV: epoch, steps that stay, epoch and version of the view that the rewind was made at
 * Returns {'rewind', committed steps}, or {'stale', newest epoch} when this is not the epoch of the lease.
 */
export const rewindLedgerScript = defineScript(`${leaseFunctions}
local epoch, toStep = tonumber(ARGV[1]), tonumber(ARGV[2])
local cutEpoch, cutVersion = tonumber(ARGV[3]), tonumber(ARGV[4])
local lease = leaseEpoch(KEYS[1])
local newest = math.max(lease, tonumber(redis.call('HGET', KEYS[2], 'epoch') or 0))
if epoch ~= lease or epoch < newest then return {'stale', newest} end
local first = redis.call('LINDEX', KEYS[4], toStep)
if first then
  local entry = cjson.decode(first)
  local isNewer = entry.fencingEpoch > cutEpoch
    or (entry.fencingEpoch == cutEpoch and entry.viewVersion > cutVersion)
  if not isNewer then
    if toStep == 0 then redis.call('DEL', KEYS[4]) else redis.call('LTRIM', KEYS[4], 0, toStep - 1) end
    redis.call('DEL', KEYS[3])
  end
end
return {'rewind', redis.call('LLEN', KEYS[4])}
`);
