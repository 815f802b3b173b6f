import { defineScript } from '../script.ts';

/**
 * Replaces a text if it still is what the caller read; '' stands for absent, as old and as new text.
 * KEYS: key
 * ARGV: old text, new text
 * Returns 1 when replaced, 2 when the key held the new text already (perhaps by a resent call of ours), else 0.
 */
export const compareAndSetScript = defineScript(`
local current = redis.call('GET', KEYS[1]) or ''
if current == ARGV[2] then return 2 end
if current ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2]) end
return 1
`);
