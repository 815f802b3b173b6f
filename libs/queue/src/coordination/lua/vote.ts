import { defineScript } from '../../connection/script.ts';

/**
 * Records a member's vote for a step and, with the last vote of the view, commits the step if all are equal: the only commit
 * point. Only then are they compared, and what is found stays with the view, so that all of its members hear the same.
 * A step already committed is compared instead: that is a repeated vote, or a replay after a restore.
 * KEYS: view, votes, ledger
 * ARGV: epoch, view version, memberId, step, facts text, digest of a part of the state that the step was computed from, entry JSON
 *       without what the script adds, genesis head, hint channel
 * Returns {'committed' | 'replayed', head, when it was committed, when the step before was or 0} | {'waiting'} | {'stale', epoch, version} |
 *         {'ahead', committed steps} | {'contradicted', facts text of the ledger} |
 *         {'diverged', member, its facts text, its state digest, the same of each other member...}
 */
export const voteScript = defineScript(`
local epoch, version, member, step = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local facts, state, entryJson, genesis, channel = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local view = redis.call('HMGET', KEYS[1], 'epoch', 'version', 'members', 'divergence', 'numMembers')
local current = tonumber(view[1] or 0) == epoch and tonumber(view[2] or 0) == version
local stale = {'stale', tonumber(view[1] or 0), tonumber(view[2] or 0)}
local committed = redis.call('LLEN', KEYS[3])
local function timeOf(index)
  if index < 0 then return '0' end
  return string.format('%.0f', cjson.decode(redis.call('LINDEX', KEYS[3], index)).committedAtMs)
end

if step < committed then
  local entry = cjson.decode(redis.call('LINDEX', KEYS[3], step))
  local known = string.format('%d|%d.%d|%d.%d|%d|%s', entry.step, entry.from.epoch, entry.from.index,
    entry.to.epoch, entry.to.index, entry.numExamples, entry.gradientDigest)
  if known == facts and entry.fencingEpoch == epoch and entry.viewVersion == version then
    return {'committed', entry.head, timeOf(step), timeOf(step - 1)}
  end
  if not current then return stale end
  if known == facts then return {'replayed', entry.head, timeOf(step), timeOf(step - 1)} end
  return {'contradicted', known}
end
if not current then return stale end
if step > committed then return {'ahead', committed} end
if view[4] then return cjson.decode(view[4]) end

-- Until the last vote nothing is done that takes longer with more members: each of them asks, and some more than once.
local members
local function isIn(before) return string.find(view[3], before .. '"' .. member .. '"', 1, true) end
if string.find(member, '["\\\\]') or not (isIn('[') or isIn(',')) then
  -- It is none, or its id is one that JSON writes otherwise.
  local isMember = false
  members = cjson.decode(view[3])
  for _, id in ipairs(members) do isMember = isMember or id == member end
  if not isMember then return stale end
end
local vote = facts .. ' ' .. state
redis.call('HSET', KEYS[2], member, vote)
local numMembers = tonumber(view[5])
if not numMembers then
  -- Published by an older release.
  members = members or cjson.decode(view[3])
  numMembers = #members
end
if redis.call('HLEN', KEYS[2]) < numMembers then return {'waiting'} end
members = members or cjson.decode(view[3])
local all = redis.call('HMGET', KEYS[2], unpack(members))
local votes, differ = {'diverged'}, false
for index, id in ipairs(members) do
  local cast = all[index]
  local split = string.find(cast, ' ', 1, true)
  votes[#votes + 1] = id
  votes[#votes + 1] = string.sub(cast, 1, split - 1)
  votes[#votes + 1] = string.sub(cast, split + 1)
  differ = differ or cast ~= vote
end
if differ then
  redis.call('HSET', KEYS[1], 'divergence', cjson.encode(votes))
  redis.call('PUBLISH', channel, 'diverged')
  return votes
end

local engines, isSeen = {}, {}
for _, seat in ipairs(cjson.decode(redis.call('HGET', KEYS[1], 'json')).members) do
  local engine = seat.engine or 'process'
  if not isSeen[engine] then engines[#engines + 1] = engine end
  isSeen[engine] = true
end
table.sort(engines)
local told = ''
if #engines > 1 or engines[1] ~= 'process' then told = ',"engines":' .. cjson.encode(engines) end

local previous = genesis
if committed > 0 then previous = cjson.decode(redis.call('LINDEX', KEYS[3], -1)).head end
local head = redis.sha1hex(previous .. '\\n' .. facts)
local time = redis.call('TIME')
local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
-- The caller's JSON is kept as text: decoding and encoding would round its numbers.
local entry = string.sub(entryJson, 1, -2) .. ',"fencingEpoch":' .. epoch .. ',"viewVersion":' .. version
  .. ',"members":' .. view[3] .. told .. ',"committedAtMs":' .. now .. ',"head":"' .. head .. '"}'
redis.call('RPUSH', KEYS[3], entry)
redis.call('DEL', KEYS[2])
redis.call('PUBLISH', channel, 'commit')
return {'committed', head, now, timeOf(step - 1)}
`);
