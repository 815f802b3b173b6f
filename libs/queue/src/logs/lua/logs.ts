import { defineScript } from '../../connection/script.ts';

/**
 * Appends log lines of one source; the oldest lines go beyond the capacity, about.
 * KEYS: stream, list of the source's newest lines
 * ARGV: capacity, length of the list, its time to live in seconds, hint channel, source,
 * then level, run or '', JSON of each line
 */
export const appendLogsScript = defineScript(`
for i = 6, #ARGV, 3 do
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*',
    'level', ARGV[i], 'source', ARGV[5], 'run', ARGV[i + 1], 'json', ARGV[i + 2])
  redis.call('LPUSH', KEYS[2], ARGV[i + 2])
end
redis.call('LTRIM', KEYS[2], 0, ARGV[2] - 1)
redis.call('EXPIRE', KEYS[2], ARGV[3])
redis.call('PUBLISH', ARGV[4], '')
`);
