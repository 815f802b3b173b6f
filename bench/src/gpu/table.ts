import type { Machine } from './machine.ts';
import type { Figures, Outcome, Part, StepFigures } from './part.ts';

type Of<K extends Figures['kind']> = Extract<Figures, { kind: K }>;

/** All that is known, for reading: the machine, a table of each kind, and what failed or was skipped. */
export function describe(
  machine: Machine,
  parts: readonly Part[],
  outcomes: readonly Outcome[],
): string {
  const found = outcomes.flatMap(({ figures }) => (figures === undefined ? [] : [figures]));
  const of = <K extends Figures['kind']>(kind: K): Of<K>[] =>
    found.filter((one): one is Of<K> => one.kind === kind);
  const sections = [
    describeMachine(machine),
    describeProducts(of('products')),
    describeBits(of('bits')),
    describeSteps(of('step'), of('products')),
    describeRest(outcomes, parts.length),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function describeMachine(machine: Machine): string[] {
  const { numProcessors, processor, memoryBytes, load, pytorch } = machine;
  return [
    ...(machine.gpu === null ? [] : [`GPU      ${machine.gpu}`]),
    `machine  ${numProcessors} x ${processor}, ${gib(memoryBytes)} GiB, ${machine.system}, load ${load.toFixed(1)} at the start`,
    `peer     ${pytorch ?? `none: ${machine.pytorchMissing ?? 'not asked for'}`}`,
  ];
}

function describeProducts(found: readonly Of<'products'>[]): string[] {
  if (found.length === 0) return [];
  const rows = found.map((one) => [
    one.precision,
    (one.gflops / 1000).toFixed(2),
    one.relativeError.toExponential(1),
    `TensorFlow ${one.tensorflow}, ${one.kernels}`,
  ]);
  return aligned([['products', 'TFLOP/s', 'error', 'by'], ...rows]);
}

function describeBits(found: readonly Of<'bits'>[]): string[] {
  if (found.length === 0) return [];
  const rows = found.map(({ model, precision, numSteps, digests, areEqual }) => [
    model,
    precision,
    `${numSteps}`,
    areEqual
      ? `${digests.length} processes, all ${digests[0]}`
      : `DIFFER: ${digests.map((digest) => digest.slice(0, 16)).join(', ')}`,
  ]);
  return aligned([['bits', '', 'steps', 'sha256 of the weights'], ...rows]);
}

/** A row for each step, with PyTorch eager and compiled in columns. */
function describeSteps(
  found: readonly Of<'step'>[],
  products: readonly Of<'products'>[],
): string[] {
  if (found.length === 0) return [];
  const cases = [...new Set(found.map(caseOf))];
  const rows = cases.map((name) => {
    const ofCase = found.filter((one) => caseOf(one) === name);
    const rival = (which: StepFigures['rival']) => ofCase.find((one) => one.rival === which)?.torch;
    const first = ofCase[0]!;
    const ceiling = products.find(({ precision }) => precision === first.precision)?.gflops;
    const [eager, compiled] = [rival('eager'), rival('compiled')];
    return [
      `${first.model} ${first.batch} x ${first.seq}`,
      first.precision,
      first.berthMs.toFixed(1),
      first.tokensPerSecond.toFixed(0),
      ceiling === undefined ? '-' : `${((100 * first.matmulGflops) / ceiling).toFixed(0)} %`,
      ...[eager, compiled].flatMap((torch) => [torch?.stepMs.toFixed(1) ?? '-', ratioOf(torch)]),
      [first.berthFirstStepMs, eager?.firstStepMs, compiled?.firstStepMs]
        .map(shortSeconds)
        .join(' '),
      [first.berthMemoryBytes, eager?.memoryBytes, compiled?.memoryBytes].map(shortGib).join(' '),
      [eager?.tensorBytes, compiled?.tensorBytes].map(shortGib).join(' '),
    ];
  });
  const peers = [
    'berth ms',
    'tokens/s',
    'of products',
    'eager ms',
    'ratio',
    'compiled ms',
    'ratio',
  ];
  const head = ['step', '', ...peers, 'first s', 'held GiB', 'tensors GiB'];
  return aligned([head, ...rows]).concat(
    "ratio: PyTorch's time over berth's, median of the turns (their middle half); first: the first step of berth, eager, compiled;",
    'held: what the GPU had in use more, pool and CUDA context included, of the same three; tensors: the most that those of eager,',
    'compiled took. Whole steps: forward, backward, clipping, AdamW; dropout on, no padding; PyTorch with SDPA and fused AdamW.',
  );
}

function describeRest(outcomes: readonly Outcome[], numParts: number): string[] {
  const of = (status: Outcome['status']): Outcome[] =>
    outcomes.filter((one) => one.status === status);
  const [failed, skipped] = [of('failed'), of('skipped')];
  const counts = `${of('done').length} done, ${failed.length} failed, ${skipped.length} skipped of ${numParts} parts`;
  return [
    ...failed.map(({ part, reason }) => `failed   ${part}: ${reason}`),
    ...skipped.map(({ part, reason }) => `skipped  ${part}: ${reason}`),
    counts,
  ];
}

function caseOf({ model, seq, precision }: StepFigures): string {
  return `${model} ${seq} ${precision}`;
}

function ratioOf(torch: StepFigures['torch']): string {
  if (torch === undefined) return '-';
  const { median, low, high } = torch.ratio;
  return `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

function shortSeconds(ms: number | undefined): string {
  return ms === undefined ? '-' : (ms / 1000).toFixed(1);
}

function shortGib(bytes: number | null | undefined): string {
  return bytes === null || bytes === undefined ? '-' : gib(bytes);
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
