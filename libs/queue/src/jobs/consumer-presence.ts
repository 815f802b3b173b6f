import { randomUUID } from 'node:crypto';
import type { RedisConnection } from '../connection/connection.ts';
import { listenForHints } from '../connection/hints.ts';
import { defineScript } from '../connection/script.ts';

/** What a job keeps of its lock once its consumer has no connection any more: time to come back after a moment without network. */
const graceMs = 2_000;
/** Between two looks, by whichever consumer comes first. */
const betweenLooksMs = 900;

/**
 * Shortens the locks of jobs whose consumers have gone: nobody listens to the channel of one whose process has died. A consumer that is
 * still there renews its lock before it runs out, and one that computes without a pause keeps its connection, and so its lock.
 * KEYS: ids of active jobs, who looks
 * ARGV: beginning of a job's key, beginning of a consumer's channel, graceMs, betweenLooksMs
 */
const shortenLocksScript = defineScript(`
if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[4]) then return 0 end
local numShortened = 0
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local consumer = redis.call('HGET', ARGV[1] .. id, 'pb')
  local lock = ARGV[1] .. id .. ':lock'
  if consumer and redis.call('PUBSUB', 'NUMSUB', ARGV[2] .. consumer)[2] == 0
      and redis.call('PTTL', lock) > tonumber(ARGV[3]) then
    redis.call('PEXPIRE', lock, ARGV[3])
    numShortened = numShortened + 1
  end
end
return numShortened
`);

/** How others know that a consumer is there: by its connection, which ends with its process. */
export interface ConsumerPresence {
  /** What BullMQ notes in jobs that this consumer takes. */
  readonly name: string;
  /** Shortens the locks of jobs whose consumers have gone. @throws BerthError `QUEUE_UNREACHABLE` */
  look(): Promise<void>;
  close(): void;
}

/** @param keyOf - makes the full name of a key of the queue */
export function announceConsumer(
  connection: RedisConnection,
  keyOf: (name: string) => string,
): ConsumerPresence {
  const name = randomUUID();
  const channelPrefix = keyOf('consumer:');
  const closing = new AbortController();
  const listening = listenForHints(connection, `${channelPrefix}${name}`, closing.signal);
  return {
    name,
    async look() {
      const keys = [keyOf('active'), keyOf('looks')];
      const parameters = [keyOf(''), channelPrefix, graceMs, betweenLooksMs];
      await connection.run(shortenLocksScript, keys, parameters);
    },
    close() {
      closing.abort();
      listening.close();
    },
  };
}
