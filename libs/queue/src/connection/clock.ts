import type { RedisConnection } from './connection.ts';

const numSamples = 3;

/**
 * How far the clock of this machine is ahead of Redis', in ms. Of a few answers the quickest counts: it is off by half of the time that it took
 * at most.
 */
export async function clockAheadMs(connection: RedisConnection): Promise<number> {
  let best = { aheadMs: 0, tookMs: Infinity };
  for (let index = 0; index < numSamples; index++) {
    const sent = { ms: performance.now(), timeMs: Date.now() };
    const [seconds, micros] = await connection.call((client) => client.time());
    const tookMs = performance.now() - sent.ms;
    const redisMs = Number(seconds) * 1_000 + Number(micros) / 1_000;
    if (tookMs < best.tookMs) best = { aheadMs: sent.timeMs + tookMs / 2 - redisMs, tookMs };
  }
  return best.aheadMs;
}
