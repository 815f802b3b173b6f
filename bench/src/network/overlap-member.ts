import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { newReadyMark, silentLogger, type View } from '@berth/contracts';
import { createPeerNode, type ViewSession } from '@berth/collectives';
import { tensorFlowEnvironment } from '@berth/graph';
import { numExact } from '../collectives/allreduce.ts';
import type { OverlapMember, StepOrder, StepReport } from './overlap-setting.ts';
import type { ComputeAsk } from './overlap-thread.ts';

/** One member of `overlap.ts`: says where it listens, joins the view of the first line, then makes the step of each line. */
async function main(): Promise<void> {
  const setting = JSON.parse(process.argv[2] ?? '') as OverlapMember;
  const { memberId, host, dtype, numThreads } = setting;
  const secret = process.env['BERTH_SECRET'] ?? '';
  Object.assign(process.env, tensorFlowEnvironment({ numThreads, device: 'cpu' }));
  const thread = new Worker(new URL('./overlap-thread.js', import.meta.url), {
    workerData: setting,
  });
  const [numParameters] = (await once(thread, 'message')) as [number];
  const node = createPeerNode({ memberId, host, secret, logger: silentLogger });
  say({ endpoint: await node.listen(), numParameters });

  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const view = JSON.parse(String((await lines.next()).value)) as View;
  const session = await node.joinView(view, {
    vectorLength: numParameters + numExact,
    dtype,
    numExact,
    connectTimeoutMs: 60_000,
  });
  say({ ready: true });
  for await (const line of lines)
    say(await makeStep(thread, session, JSON.parse(line) as StepOrder));
  await node.close();
  await thread.terminate();
}

async function makeStep(
  thread: Worker,
  session: ViewSession,
  { step, isOverlapped }: StepOrder,
): Promise<StepReport> {
  const [into] = session.vectors;
  if (into === undefined) throw new Error('a member without a block');
  const ready = newReadyMark();
  const sum = (): ReturnType<ViewSession['allReduce']> =>
    session.allReduce({ step, timeoutMs: 600_000, ...(isOverlapped && { ready }) });
  const beganMs = now();
  const early = isOverlapped ? sum() : undefined;
  const ask: ComputeAsk = { into, ...(isOverlapped && { ready }) };
  const answered = once(thread, 'message');
  thread.postMessage(ask, []);
  const [numLast] = (await answered) as [number];
  const computedMs = now();
  const { digest } = await (early ?? sum());
  const summedMs = now();
  const { user, system } = process.cpuUsage();
  return { beganMs, computedMs, summedMs, digest, numLast, cpuMs: (user + system) / 1000 };
}

/** Of one clock for all processes. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

await main();
