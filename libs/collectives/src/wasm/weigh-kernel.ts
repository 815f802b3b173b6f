import { weightStep } from '../reduce/payload-sums.ts';
import * as wasm from './assembler.ts';
import { accumulate, advance, unitBytes } from './loops.ts';

/** Stores the lanes of payload-sums.ts, over the whole units from `address` to `end`, at `lanes`. */
export function weighSource(): wasm.FunctionSource {
  const [address, end, lanes] = [0, 1, 2];
  const [weights, words, plainLow, plainHigh, weighedLow, weighedHigh] = [4, 5, 6, 7, 8, 9];
  const constants = new wasm.Constants(10);
  const weigh = (offset: number, plain: number, weighed: number): wasm.Code[] => [
    wasm.localGet(address),
    wasm.v128Load(offset),
    wasm.localSet(words),
    ...accumulate(plain, [wasm.localGet(words)]),
    ...accumulate(weighed, [wasm.localGet(words), wasm.localGet(weights), wasm.i32x4DotHalves]),
  ];
  const loop = wasm.repeatWhile([
    ...[0, 32].flatMap((offset) => [
      ...weigh(offset, plainLow, weighedLow),
      ...weigh(offset + 16, plainHigh, weighedHigh),
      wasm.localGet(weights),
      constants.get(weightStep),
      wasm.i16x8Add,
      wasm.localSet(weights),
    ]),
    ...advance(address, unitBytes),
    wasm.localGet(address),
    wasm.localGet(end),
    wasm.i32LessUnsigned,
  ]);
  const stores = [plainLow, plainHigh, weighedLow, weighedHigh].flatMap((sums, index) => [
    wasm.localGet(lanes),
    wasm.localGet(sums),
    wasm.v128Store(16 * index),
  ]);
  return {
    name: 'weigh',
    numParameters: 4,
    locals: ['v128', 'v128', 'v128', 'v128', 'v128', 'v128', ...constants.locals],
    body: [...constants.code, loop, ...stores],
  };
}
