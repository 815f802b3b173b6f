import { digestConstants } from '@berth/contracts';
import { ops, type Graph, type Value } from '@berth/graph';

const { key, firstFactor, secondFactor } = digestConstants;

/**
 * The ledger's digest of a gradient vector that lies in pieces, each hashed where it is: two 32-bit words, sums over hashes of
 * (bits, index). The same function as `vectorDigest` of @berth/collectives; README there.
 * @param pieces - of 32-bit elements, in order
 */
export function gradientDigest(graph: Graph, pieces: readonly Value[]): Value {
  let firstIndex = 0;
  const digests = pieces.map((piece) => {
    const index = ops.full(graph, firstIndex, { dtype: 'int32' });
    firstIndex += piece.shape[0] ?? 0;
    const [digest] = graph.call('digest', digestOf, [piece, index]);
    return digest as Value;
  });
  return ops.sum(ops.stack(digests), [0]);
}

function digestOf(piece: Value, firstIndex: Value): Value[] {
  const { bitwiseXor: xor, mul, rightShift: shift } = ops;
  const index = ops.add(ops.range(piece.scope, piece.shape[0] ?? 0), firstIndex);
  const keys = mul(index, key | 0);
  let hash = ops.bitcast(ops.add(ops.bitcast(piece, 'int32'), keys), 'uint32');
  hash = mul(xor(hash, shift(hash, 16)), firstFactor);
  hash = xor(hash, shift(hash, 15));
  const again = mul(hash, secondFactor);
  const sums = [hash, xor(again, shift(again, 16))].map((hashes) => ops.sum(hashes, [0]));
  return [ops.bitcast(ops.stack(sums), 'int32')];
}
