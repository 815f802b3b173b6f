import { defineScript } from '../script.ts';

/**
 * Records a member's vote for a step and, with the last vote of the view, commits the step: the only commit point.
 * A step already committed is compared instead: that is a repeated vote, or a replay after a restore.
 * KEYS: view, votes, ledger
 * ARGV: epoch, view version, memberId, step, facts text, entry JSON without what the script adds, genesis head,
 *       hint channel
 * Returns {'committed' | 'replayed', head} | {'waiting', missing member ids...} | {'stale', epoch, version} |
 *         {'ahead', committed steps} | {'diverged', 'ledger' | other member, its facts text, this member, its facts text}
 */
export const voteScript = defineScript(`
local epoch, version, member, step = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local facts, entryJson, genesis, channel = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local view = redis.call('HMGET', KEYS[1], 'epoch', 'version', 'members', 'divergence')
local current = tonumber(view[1] or 0) == epoch and tonumber(view[2] or 0) == version
local stale = {'stale', tonumber(view[1] or 0), tonumber(view[2] or 0)}
local committed = redis.call('LLEN', KEYS[3])

if step < committed then
  local entry = cjson.decode(redis.call('LINDEX', KEYS[3], step))
  local known = string.format('%d|%d.%d|%d.%d|%d|%s', entry.step, entry.from.epoch, entry.from.index,
    entry.to.epoch, entry.to.index, entry.numExamples, entry.gradientDigest)
  if known == facts and entry.fencingEpoch == epoch and entry.viewVersion == version then
    return {'committed', entry.head}
  end
  if not current then return stale end
  if known == facts then return {'replayed', entry.head} end
  return {'diverged', 'ledger', known, member, facts}
end
if not current then return stale end
if step > committed then return {'ahead', committed} end
if view[4] then return cjson.decode(view[4]) end

local members = cjson.decode(view[3])
local isMember = false
for _, id in ipairs(members) do isMember = isMember or id == member end
if not isMember then return stale end
local votes = redis.call('HGETALL', KEYS[2])
for i = 1, #votes, 2 do
  if votes[i + 1] ~= facts then
    local divergence = {'diverged', votes[i], votes[i + 1], member, facts}
    redis.call('HSET', KEYS[1], 'divergence', cjson.encode(divergence))
    redis.call('PUBLISH', channel, 'diverged')
    return divergence
  end
end
redis.call('HSET', KEYS[2], member, facts)
local waiting = {'waiting'}
for _, id in ipairs(members) do
  if redis.call('HEXISTS', KEYS[2], id) == 0 then waiting[#waiting + 1] = id end
end
if #waiting > 1 then return waiting end

local previous = genesis
if committed > 0 then previous = cjson.decode(redis.call('LINDEX', KEYS[3], -1)).head end
local head = redis.sha1hex(previous .. '\\n' .. facts)
local time = redis.call('TIME')
local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
-- The caller's JSON is kept as text: decoding and encoding would round its numbers.
local entry = string.sub(entryJson, 1, -2) .. ',"fencingEpoch":' .. epoch .. ',"viewVersion":' .. version
  .. ',"members":' .. view[3] .. ',"committedAtMs":' .. now .. ',"head":"' .. head .. '"}'
redis.call('RPUSH', KEYS[3], entry)
redis.call('DEL', KEYS[2])
redis.call('PUBLISH', channel, 'commit')
return {'committed', head}
`);
