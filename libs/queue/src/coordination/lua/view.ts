import { defineScript } from '../../connection/script.ts';
import { eventFunctions } from '../../records/lua/append-events.ts';
import { leaseFunctions } from './lease-epoch.ts';

/**
 * Replaces a run's view and forgets the votes of the one before. Only in the epoch of the lease: without one Redis has lost
 * its data, and whoever holds the lease again must first restore the ledger. And only in place of the view that was decided upon: what
 * a broken connection delivers late must not undo what was published since.
 * KEYS: lease, view, votes, ledger, events
 * ARGV: epoch, version of the view that this one replaces, view JSON, member ids as a JSON array, hint channel, then events as JSON
 * Returns {'published', version, fromStep}; {'stale', newest epoch} when this is not the epoch of the lease; {'replaced', version} when
 * another view is in force.
 */
export const publishViewScript = defineScript(`${leaseFunctions}${eventFunctions}
local epoch = tonumber(ARGV[1])
local view = redis.call('HMGET', KEYS[2], 'epoch', 'version')
local lease = leaseEpoch(KEYS[1])
local newest = math.max(lease, tonumber(view[1] or 0))
local known = tonumber(view[2] or 0)
local version = math.max(known, tonumber(ARGV[2]))
local fromStep = redis.call('LLEN', KEYS[4])
if fromStep > 0 then
  local last = cjson.decode(redis.call('LINDEX', KEYS[4], -1))
  newest = math.max(newest, last.fencingEpoch)
  version = math.max(version, last.viewVersion)
end
if epoch ~= lease or epoch < newest then return {'stale', newest} end
if known > 0 and known ~= tonumber(ARGV[2]) then return {'replaced', known} end
version = version + 1
redis.call('HSET', KEYS[2], 'epoch', epoch, 'version', version, 'fromStep', fromStep, 'json', ARGV[3], 'members', ARGV[4],
  'numMembers', #cjson.decode(ARGV[4]))
redis.call('HDEL', KEYS[2], 'divergence')
redis.call('DEL', KEYS[3])
appendEvents(KEYS[5], KEYS[4], 6)
redis.call('PUBLISH', ARGV[5], 'view')
return {'published', version, fromStep}
`);
