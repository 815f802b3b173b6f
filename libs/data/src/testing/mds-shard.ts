type Encoding = 'int' | 'str' | 'bytes';
type Sample = Readonly<Record<string, string | number>>;

/** A shard as MDSWriter of mosaicml/streaming makes it. */
export function mdsShard(
  columns: Readonly<Record<string, Encoding>>,
  samples: readonly Sample[],
): Buffer {
  const names = Object.keys(columns).sort();
  const header = Buffer.from(
    JSON.stringify({
      column_encodings: names.map((name) => columns[name]),
      column_names: names,
      column_sizes: names.map((name) => (columns[name] === 'int' ? 8 : null)),
      compression: null,
      format: 'mds',
      hashes: [],
      size_limit: 67_108_864,
      version: 2,
    }),
  );
  const bodies = samples.map((sample) => {
    const values = names.map((name) => {
      const value = sample[name]!;
      return columns[name] === 'int' ? int64(Number(value)) : Buffer.from(String(value));
    });
    const sizes = values.filter((_, i) => columns[names[i]!] !== 'int').map(({ length }) => length);
    return Buffer.concat([uint32s(sizes), ...values]);
  });
  const start = 4 + 4 * (samples.length + 1) + header.length;
  const offsets = bodies.reduce((all, { length }) => [...all, all.at(-1)! + length], [start]);
  return Buffer.concat([uint32s([samples.length]), uint32s(offsets), header, ...bodies]);
}

function uint32s(values: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}

function int64(value: number): Buffer {
  return Buffer.from(BigInt64Array.of(BigInt(value)).buffer);
}
