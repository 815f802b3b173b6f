/**
 * Lua functions for scripts that only the holder of the lease may have done. `leaseEpoch` is 0 without a lease, and in another life of
 * Redis than the lease was given in: what the holder decided upon may be gone.
 */
export const leaseFunctions = `
local function serverId()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
end
local function leaseEpoch(key)
  local lease = redis.call('HMGET', key, 'epoch', 'server')
  if lease[2] and lease[2] ~= serverId() then return 0 end
  return tonumber(lease[1] or 0)
end
`;
