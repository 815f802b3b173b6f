/** Lua that keeps events with the change that they tell of, at the step that the ledger has come to. */
export const eventFunctions = `
local function appendEvents(events, ledger, first)
  local step = redis.call('LLEN', ledger)
  for index = first, #ARGV do
    redis.call('XADD', events, 'MAXLEN', '~', 500, '*', 'json', ARGV[index], 'step', step)
  end
end
`;
