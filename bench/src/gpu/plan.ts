import type { ModelSize } from '@berth/contracts';
import type { StepPrecision } from '../step/step-setting.ts';
import type { Part, Rival, StepShape } from './part.ts';

export interface Wish {
  readonly device: 'cpu' | 'gpu';
  readonly models: readonly ModelSize[];
  readonly precisions: readonly StepPrecision[];
  readonly seqs: readonly number[];
  /** Of a step; divided by the length of sequences, it is the batch. */
  readonly numTokens: number;
  readonly numThreads: number;
  readonly rivals: readonly Rival[];
  readonly python: string;
}

/** How far behind the most wanted a part is: what a run is most likely to have comes first. */
const ranks = {
  model: { base: 0, large: 1, mini: 2, tiny: 3, small: 4, medium: 4 },
  precision: { bf16: 0, fp32: 1, tf32: 2 },
  rival: { none: 0, eager: 0, compiled: 2 },
} as const satisfies {
  model: Record<ModelSize, number>;
  precision: Record<StepPrecision, number>;
  rival: Record<Rival, number>;
};

/**
 * Milliseconds, guessed for a GPU and measured for a processor (two cores, 1,024 tokens): how long berth and PyTorch take to start,
 * compile and take their turns.
 */
const estimates = {
  gpu: {
    products: 20_000,
    berth: {
      tiny: 20_000,
      mini: 20_000,
      small: 22_000,
      medium: 25_000,
      base: 30_000,
      large: 50_000,
    },
    eager: {
      tiny: 12_000,
      mini: 12_000,
      small: 12_000,
      medium: 13_000,
      base: 15_000,
      large: 20_000,
    },
    compiled: {
      tiny: 40_000,
      mini: 45_000,
      small: 45_000,
      medium: 55_000,
      base: 70_000,
      large: 130_000,
    },
  },
  cpu: {
    products: 12_000,
    berth: {
      tiny: 20_000,
      mini: 30_000,
      small: 60_000,
      medium: 120_000,
      base: 240_000,
      large: 800_000,
    },
    eager: {
      tiny: 15_000,
      mini: 25_000,
      small: 60_000,
      medium: 120_000,
      base: 240_000,
      large: 800_000,
    },
    compiled: {
      tiny: 80_000,
      mini: 120_000,
      small: 160_000,
      medium: 260_000,
      base: 500_000,
      large: 1_500_000,
    },
  },
} as const;

/** Google's BERT predicts 20 tokens of 128 and 80 of 512. */
const predictionsPerToken = 20 / 128;

/** All that is to be measured, by value: what is cut off by the budget matters least. */
export function planParts(wish: Wish): Part[] {
  const valued: { readonly value: number; readonly part: Part }[] = [];
  for (const precision of wish.precisions) {
    valued.push({ value: -1, part: productsPart(wish, precision) });
    for (const model of wish.models) {
      valued.push({
        value: bitsRank(wish, model, precision),
        part: bitsPart(wish, model, precision),
      });
      for (const [place, seq] of wish.seqs.entries())
        for (const rival of wish.rivals) {
          const value =
            ranks.model[model] + ranks.precision[precision] + place + ranks.rival[rival];
          valued.push({ value, part: stepPart(wish, { model, precision, seq }, rival) });
        }
    }
  }
  return valued.sort((a, b) => a.value - b.value).map(({ part }) => part);
}

/** Bits of one small model come with the first figures, since they are quick; those of others say little more. */
function bitsRank({ models }: Wish, model: ModelSize, precision: StepPrecision): number {
  const first = (['mini', 'tiny'] as const).find((one) => models.includes(one)) ?? models[0];
  return ranks.precision[precision] / 2 + (model === first ? -0.5 : 3.5 + ranks.model[model] / 2);
}

function productsPart({ device, numThreads }: Wish, precision: StepPrecision): Part {
  const args = ['step/products.js', ...options({ precision, device, threads: numThreads })];
  const name = `products-${precision}`;
  return { kind: 'products', name, precision, args, estimateMs: estimates[device].products };
}

function bitsPart(wish: Wish, model: ModelSize, precision: StepPrecision): Part {
  const seq = wish.seqs[0] ?? 128;
  const args = ['step/same-bits.js', ...stepOptionsOf(wish, { model, precision, seq })];
  return {
    kind: 'bits',
    name: `bits-${model}-${precision}`,
    model,
    precision,
    args,
    // Three processes share the processor, and on a GPU its time.
    estimateMs: estimates[wish.device].berth[model] * 1.5,
  };
}

type Case = Pick<StepShape, 'model' | 'precision' | 'seq'>;

function stepPart(wish: Wish, one: Case, rival: Rival): Part {
  const of = estimates[wish.device];
  const few = wish.device === 'cpu' ? { turns: 3, steps: 2 } : { turns: 8, steps: 10 };
  const program =
    rival === 'none'
      ? ['step/step.js', ...options({ steps: few.turns * few.steps })]
      : ['peers/compare-step.js', ...options({ python: wish.python, pytorch: rival, ...few })];
  return {
    kind: 'step',
    name: `step-${one.model}-${one.seq}-${one.precision}${rival === 'none' ? '' : `-${rival}`}`,
    shape: shapeOf(wish, one),
    rival,
    args: [...program, ...stepOptionsOf(wish, one)],
    estimateMs: of.berth[one.model] + (rival === 'none' ? 0 : of[rival][one.model]),
  };
}

function shapeOf({ numTokens }: Wish, one: Case): StepShape {
  const { seq } = one;
  const batch = Math.max(1, Math.round(numTokens / seq));
  return { ...one, batch, predictions: Math.round(seq * predictionsPerToken) };
}

function stepOptionsOf(wish: Wish, one: Case): string[] {
  const { device, numThreads } = wish;
  return options({ ...shapeOf(wish, one), device, threads: numThreads });
}

function options(values: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, String(value)]);
}
