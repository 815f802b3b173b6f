import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GradientVector } from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { expect, it, onTestFinished } from 'vitest';
import { sizedOptions, sizedRequest, sizedShape } from '../testing/sized-models.ts';
import { createGraphEngine, type GraphEngine } from './graph-engine.ts';

const { model, ...options } = sizedOptions('mini', 'fp32');
const shallow = { ...model, numLayers: 2 };

function engineOf(allReduceDtype: 'fp32' | 'bf16'): GraphEngine {
  const cacheFolder = mkdtempSync(join(tmpdir(), 'berth-hand-out-'));
  const engine = createGraphEngine({
    ...options,
    model: shallow,
    allReduceDtype,
    tensorFlow: startTensorFlow({ numThreads: 1 }),
    shape: sizedShape,
    cacheFolder,
  });
  onTestFinished(() => {
    engine.dispose();
    rmSync(cacheFolder, { recursive: true });
  });
  engine.initialize(7);
  return engine;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: GradientVector): Buffer =>
  Buffer.from(buffer.slice(byteOffset, byteOffset + byteLength));

it.each(['fp32', 'bf16'] as const)(
  'a gradient that is handed out while it is computed has the bits of one that is not, in %s',
  (dtype) => {
    const engine = engineOf(dtype);
    const block = sizedRequest(shallow, 3);
    const [rank] = block.ranks;
    const single = { ...rank!, microBatches: rank!.microBatches.slice(0, 1) };
    const one = { ...block, block: { start: 0, length: 1 } };
    for (const request of [block, { ...one, ranks: [rank!] }, { ...one, ranks: [single] }]) {
      const expected = bytesOf(engine.computeGradients(request));
      const ready: { from: number; sameSoFar: boolean }[] = [];
      const into = engine.computeGradients(request).fill(1);
      const width = into.BYTES_PER_ELEMENT;
      engine.computeGradients(request, into, (from) => {
        const there = bytesOf(into).subarray(width * from);
        ready.push({ from, sameSoFar: there.equals(expected.subarray(width * from)) });
      });
      expect(bytesOf(into).equals(expected)).toBe(true);
      expect(ready.length).toBeGreaterThan(1);
      expect(ready.every(({ sameSoFar }) => sameSoFar)).toBe(true);
      expect(ready.map(({ from }) => from)).toEqual(
        ready.map(({ from }) => from).toSorted((a, b) => b - a),
      );
      expect(ready.at(-1)).toMatchObject({ from: 0 });
    }
    // Whoever is told may fail: nothing is left half-way.
    const tell = (): never => {
      throw new Error('nobody listens');
    };
    expect(() => engine.computeGradients(block, undefined, tell)).toThrow('nobody listens');
    const expected = bytesOf(engine.computeGradients(block));
    const again = bytesOf(engine.computeGradients(block, undefined, () => undefined));
    expect(again.equals(expected)).toBe(true);
  },
);
