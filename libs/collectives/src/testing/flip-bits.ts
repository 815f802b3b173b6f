import { type BerthError, packGradient, type AllReduceDtype } from '@berth/contracts';
import { startTcpProxy } from '@berth/faults';
import { frameHeaderBytes } from '../connections/frame.ts';
import type { ViewSession } from '../view-session.ts';
import { joinAll, randomNumbers, randomRanks, startNodes } from './local-mesh.ts';

const numExact = 7;
const numParameters = 20_000;
const vectorLength = numParameters + numExact;
const timeoutMs = 60_000;
/** Of the last member: a chunk of its contribution, then its slice of the sum, whose exact elements have a chunk of their own. */
const numFrames = { fp32: 2, bf16: 3 } as const;

/** What came of all-reduces in each of which one bit was changed on its way. */
export interface FlipReport {
  /** Members that were given a sum, by whether it was the right one. */
  readonly numRight: number;
  readonly numWrong: number;
  /** Errors of the member that the damaged bytes went to, by code and what they say of the bytes. */
  readonly refusals: ReadonlyMap<string, number>;
}

/**
 * Two members sum vectors through a relay that changes one bit of each sum's frames, headers included, at a random place; after
 * every failure they go on in a new view.
 */
export async function flipBits(
  dtype: AllReduceDtype,
  numFlips: number,
  seed: number,
): Promise<FlipReport> {
  const random = randomNumbers(seed);
  const mesh = await startNodes(2, 2);
  const [first, last] = mesh.view.members;
  const proxy = await startTcpProxy(last!);
  const ranks = randomRanks(2, vectorLength, seed);
  const vectors = ranks.map((rank) => packGradient(rank, numParameters, dtype));
  let version = 0;
  const join = (): Promise<ViewSession[]> => {
    version += 1;
    const members = [first!, { ...last!, ...proxy.endpoint }];
    const view = { ...mesh.view, version, members };
    return joinAll({ ...mesh, view }, { vectorLength, dtype, numExact });
  };
  let sessions = await join();
  const reduce = (step: number): Promise<PromiseSettledResult<string>[]> =>
    Promise.allSettled(
      sessions.map(async (session, member) => {
        const { blocks } = session.view.members[member]!;
        const contributions = blocks.map((block) => ({ block, data: vectors[block.start]! }));
        return (await session.allReduce({ step, contributions, timeoutMs })).digest;
      }),
    );
  try {
    const right = (await reduce(0)).map(
      (outcome) => outcome.status === 'fulfilled' && outcome.value,
    );
    if (right[0] === false || right[0] !== right[1]) throw new Error('sums are wrong undisturbed');
    const bytesOfStep = vectors[0]!.byteLength + numFrames[dtype] * frameHeaderBytes;
    const report = { numRight: 0, numWrong: 0, refusals: new Map<string, number>() };
    for (let step = 1; step <= numFlips; step += 1) {
      let byte = Math.floor(random() * bytesOfStep);
      const bit = Math.floor(random() * 8);
      proxy.damage((piece) => {
        byte -= piece.length;
        if (byte >= 0) return false;
        piece[piece.length + byte]! ^= 1 << bit;
        return true;
      });
      const outcomes = await reduce(step);
      for (const outcome of outcomes)
        if (outcome.status === 'fulfilled')
          report[outcome.value === right[0] ? 'numRight' : 'numWrong'] += 1;
      const [receiver] = outcomes;
      if (receiver?.status === 'rejected') {
        const { code, message } = receiver.reason as BerthError;
        const what = /damaged|no frame|format/.exec(message)?.[0] ?? message;
        const refusal = `${code}: ${what}`;
        report.refusals.set(refusal, (report.refusals.get(refusal) ?? 0) + 1);
      }
      if (outcomes.some(({ status }) => status === 'rejected')) sessions = await join();
    }
    return report;
  } finally {
    proxy.close();
    await mesh.close();
  }
}
