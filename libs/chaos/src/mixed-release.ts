import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { environmentOfServices, type MemberInfo, type Numerics } from '@berth/contracts';
import { connectRedis, createMembers, type Members } from '@berth/queue';
import { Supervised, entryOf, clusterSecret } from '@berth/launch';
import type { RunWatch } from './run-watch.ts';
import type { Testbed } from './testbed.ts';

const worker = 'other-kernels';
const laterBits = 'later-bits';
const laterWords = 'later-words';
const readyTimeoutMs = 120_000;
const beatMs = 200;

/**
 * Lets workers of other releases come to a run, and waits until each is left out by name: a real one that computes at a lower
 * instruction set level, the heartbeats of one whose names are the same and whose arithmetic is not, and those of one that
 * cannot be read.
 * @throws BerthError `RUN_FAILED` when the run does not name one of them
 */
export async function mixReleases(testbed: Testbed, watch: RunWatch): Promise<void> {
  const { services, folder } = testbed;
  const numerics = watch.record?.numerics;
  if (!numerics) return;
  const connection = await connectRedis(services.redisUrl, { role: 'producer' });
  const members = createMembers(connection);
  const other = new Supervised({
    name: worker,
    entry: entryOf('@berth/worker/program'),
    env: {
      ...environmentOfServices(services),
      BERTH_WORKER_NAME: worker,
      BERTH_NUM_THREADS: String(numerics.numThreads),
      BERTH_SECRET: clusterSecret(folder, {}),
      BERTH_DEVICE: 'cpu',
      ONEDNN_MAX_CPU_ISA: numerics.kernels === 'avx' ? 'sse41' : 'avx',
    },
    logFolder: join(folder, 'logs'),
    readyTimeoutMs,
    say: () => undefined,
    onRestart: () => undefined,
  });
  const beating = new AbortController();
  const beats = beatUntil(beating.signal, members, numerics);
  try {
    await other.start();
    const awaited = new Set([
      `${worker}-`,
      `${laterBits} (berth 99.0.0) is refused: same TensorFlow`,
      `${laterWords} speaks another version: port`,
    ]);
    await watch.until(() => {
      const reason = watch.record?.reason ?? '';
      for (const name of awaited) if (reason.includes(name)) awaited.delete(name);
      return awaited.size === 0 || watch.isOver;
    }, 'the refusal of workers of other releases');
  } finally {
    beating.abort();
    await beats;
    await other.stop();
    connection.close();
  }
}

/** Beats as workers of a release to come would, with keys that this one does not know. */
async function beatUntil(signal: AbortSignal, members: Members, numerics: Numerics): Promise<void> {
  const heartbeats = async (): Promise<void> => {
    const seated = (await members.list({ forget: false })).find(({ info }) => info.runId !== null);
    if (seated === undefined) return;
    const like = { ...seated.info, state: 'idle', version: '99.0.0', ofLater: { a: 1 } } as const;
    await members.heartbeat({
      ...like,
      memberId: laterBits,
      numerics: { ...numerics, fingerprint: 'f'.repeat(32) },
    });
    const port = 'none' as unknown as MemberInfo['port'];
    await members.heartbeat({ ...like, memberId: laterWords, port });
  };
  while (!signal.aborted) {
    // While Redis is away nobody beats.
    await heartbeats().catch(() => undefined);
    await sleep(beatMs, undefined, { signal }).catch(() => undefined);
  }
  for (const memberId of [laterBits, laterWords])
    await members.leave(memberId).catch(() => undefined);
}
