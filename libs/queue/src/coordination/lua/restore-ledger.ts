import { defineScript } from '../../connection/script.ts';
import { leaseFunctions } from './lease-epoch.ts';

/**
 * Appends verified entries that the ledger lacks; entries it has must be the same ones, and none is ever overwritten. Only
 * in the epoch of the lease.
 * KEYS: lease, view, votes, ledger
 * ARGV: epoch, step of the first entry, head before it, then the entries as JSON
 * Returns {'restored', committed steps} | {'stale', newest epoch} | {'gap', committed steps} | {'diverged', step}.
 */
export const restoreLedgerScript = defineScript(`${leaseFunctions}
local epoch, fromStep = tonumber(ARGV[1]), tonumber(ARGV[2])
local lease = leaseEpoch(KEYS[1])
local newest = math.max(lease, tonumber(redis.call('HGET', KEYS[2], 'epoch') or 0))
if epoch ~= lease or epoch < newest then return {'stale', newest} end
local committed = redis.call('LLEN', KEYS[4])
if committed < fromStep then return {'gap', committed} end

local function headOf(json) return cjson.decode(json).head end
local known = math.min(committed - fromStep, #ARGV - 3)
local given = ARGV[3]
if known > 0 then given = headOf(ARGV[3 + known]) end
local lastKnown = fromStep + known - 1
if lastKnown >= 0 and headOf(redis.call('LINDEX', KEYS[4], lastKnown)) ~= given then
  return {'diverged', lastKnown}
end
for i = 4 + known, #ARGV do redis.call('RPUSH', KEYS[4], ARGV[i]) end
if #ARGV - 3 > known then redis.call('DEL', KEYS[3]) end
return {'restored', redis.call('LLEN', KEYS[4])}
`);
