import { ops, type Graph, type Value } from '@berth/graph';

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
  const place = ops.add(ops.range(piece.scope, piece.shape[0] ?? 0), firstIndex);
  const index = ops.bitcast(place, 'uint32');
  let h = xor(ops.bitcast(piece, 'uint32'), mul(index, 0x9e3779b1));
  h = mul(xor(h, shift(h, 16)), 0x7feb352d);
  h = mul(xor(h, shift(h, 15)), 0x846ca68b);
  h = xor(h, shift(h, 16));
  const g = mul(xor(h, mul(index, 0x85ebca77)), 0x297a2d39);
  const sums = [h, xor(g, shift(g, 15))].map((hashes) => ops.sum(hashes, [0]));
  return [ops.bitcast(ops.stack(sums), 'int32')];
}

/** 16 hex digits. */
export function digestHex(sums: Int32Array): string {
  return Array.from(new Uint32Array(sums), (sum) => sum.toString(16).padStart(8, '0')).join('');
}
