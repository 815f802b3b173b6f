import { createInterface } from 'node:readline';
import { packGradient, silentLogger, type View } from '@berth/contracts';
import { createPeerNode } from '@berth/collectives';
import { numExact, type MemberSetting } from './allreduce.ts';

/**
 * One member of `allreduce.ts`: says where it listens, joins the view of the first line, then for each line with a number
 * runs that many all-reduces.
 */
async function main(): Promise<void> {
  const setting = JSON.parse(process.argv[2] ?? '') as MemberSetting;
  const { memberId, host, vectorLength, dtype, sharesMemory } = setting;
  const secret = process.env['BERTH_SECRET'] ?? '';
  const node = createPeerNode({ memberId, host, secret, logger: silentLogger, sharesMemory });
  say({ endpoint: await node.listen() });

  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const first = await lines.next();
  const view = JSON.parse(String(first.value)) as View;
  const blocks = view.members.find((member) => member.memberId === memberId)?.blocks ?? [];
  const gradients = blocks.map(({ start }) =>
    packGradient(noise(vectorLength, start), vectorLength - numExact, dtype),
  );
  const session = await node.joinView(view, {
    vectorLength,
    dtype,
    numExact,
    connectTimeoutMs: 30_000,
  });
  say({ ready: true });

  let step = 0;
  for await (const line of lines) {
    const timesMs: number[] = [];
    let digest = '';
    for (const [index, gradient] of gradients.entries()) session.vectors[index]?.set(gradient);
    for (let round = 0; round < Number(line); round++) {
      const startMs = performance.now();
      const result = await session.allReduce({ step: step++, timeoutMs: 120_000 });
      timesMs.push(performance.now() - startMs);
      ({ digest } = result);
    }
    const { user, system } = process.cpuUsage();
    const peakRssBytes = process.resourceUsage().maxRSS * 1024;
    say({ timesMs, digest, cpuMs: (user + system) / 1000, peakRssBytes });
  }
  await node.close();
}

/** Numbers of gradient size in [-0.01, 0.01). */
function noise(length: number, seed: number): Float32Array {
  const vector = new Float32Array(length);
  let state = seed + 1;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    vector[index] = (state / 2 ** 31) * 0.01;
  }
  return vector;
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

await main();
