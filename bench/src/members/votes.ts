import { connectRedis, openRun, redisServerPrograms, startRedisServer } from '@berth/queue';
import { cpuMsOf, commandsOf } from './measure.ts';

const numSteps = 100;

/** What the votes for a step cost Redis. */
export interface VoteCost {
  /** By clients and in scripts. */
  readonly commands: number;
  readonly redisCpuMs: number;
}

/** Has members vote at once for some steps, through the real ledger, in a Redis of its own where nothing else happens. */
export async function voteCost(numMembers: number): Promise<VoteCost> {
  const redis = await startRedisServer({ programs: redisServerPrograms(process.env) });
  const connection = await connectRedis(redis.url, { role: 'producer' });
  const { client } = connection;
  try {
    await client.hset('berth:lease', 'epoch', 1);
    const { views, ledger } = openRun(connection, 'votes');
    const members = Array.from({ length: numMembers }, (_, start) => ({
      memberId: `worker-${String(start).padStart(3, '0')}-abcdef`,
      host: '127.0.0.1',
      port: 20_000 + start,
      blocks: [{ start, length: 1 }],
    }));
    const view = await views.publish({ fencingEpoch: 1, mode: 'train', reason: 'start', members });
    const sum = async (): Promise<number> =>
      Object.values(await commandsOf(client)).reduce((total, calls) => total + calls, 0);
    const [commands, cpuMs] = [await sum(), await cpuMsOf(client)];
    for (let step = 0; step < numSteps; step++) {
      const facts = {
        step,
        from: { epoch: 0, index: step },
        to: { epoch: 0, index: step + 1 },
        numExamples: 1,
        gradientDigest: '0123456789abcdef',
      };
      const votes = members.map(({ memberId }) =>
        ledger.vote(view, memberId, facts, { loss: 1 }, '0123456789abcdef'),
      );
      await Promise.all(votes);
    }
    return {
      commands: ((await sum()) - commands) / numSteps,
      redisCpuMs: ((await cpuMsOf(client)) - cpuMs) / numSteps,
    };
  } finally {
    connection.close();
    await redis.stop();
  }
}
