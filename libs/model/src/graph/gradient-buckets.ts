import type { GraphParameter } from './graph-parameters.ts';

/** Parameters whose gradients leave the session together, while it computes those of the others. */
export interface GradientBucket {
  readonly name: string;
  /** What the graph gives of a micro-batch, in its order: gradients by parameter; the first bucket has the step sums too. */
  readonly gradients: readonly string[];
  /** Names in the layout of what a session reads of it. */
  readonly parts: readonly string[];
  /** With this bucket and those before it, all elements of the flat gradient from here on are there. */
  readonly firstElement: number;
}

/** Less is not worth a run of its own: 4 MB of fp32. */
const leastElements = 1 << 20;
const mostBuckets = 32;

/**
 * Cuts the parameters into buckets, from the end of the flat gradient on: the backward pass comes to the head first and to the
 * embeddings last, as their order in a checkpoint has it the other way round. One bucket is all that small models have.
 */
export function gradientBuckets(parameters: readonly GraphParameter[]): readonly GradientBucket[] {
  const spans = parameters.map(({ parts }) => ({
    start: Math.min(...parts.map(({ offset }) => offset)),
    end: Math.max(...parts.map(({ offset, size }) => offset + size)),
  }));
  const numElements = Math.max(0, ...spans.map(({ end }) => end));
  const least = Math.max(leastElements, Math.ceil(numElements / mostBuckets));
  const buckets: GradientBucket[] = [];
  let end = parameters.length;
  let endElement = numElements;
  for (let begin = end - 1; begin >= 0; begin--) {
    const firstElement = Math.min(...spans.slice(begin, end).map(({ start }) => start));
    // Joint projections lie side by side, each with its parts apart.
    const isWhole = spans.slice(0, begin).every((other) => other.end <= firstElement);
    if (begin > 0 && !(isWhole && endElement - firstElement >= least)) continue;
    buckets.push(bucketOf(parameters.slice(begin, end), { index: buckets.length, firstElement }));
    [end, endElement] = [begin, firstElement];
  }
  return buckets;
}

function bucketOf(
  own: readonly GraphParameter[],
  { index, firstElement }: { readonly index: number; readonly firstElement: number },
): GradientBucket {
  const sums = index === 0 ? [sumsName] : [];
  return {
    name: String(index),
    gradients: [...own.map(({ name }) => name), ...sums],
    parts: [...own.flatMap(({ parts }) => parts.map(({ name }) => name)), ...sums],
    firstElement,
  };
}

/** The step sums among gradients. */
export const sumsName = 'sums';

/** What a micro-batch gives, in the order of the store's statements. */
export function gradientNames(parameters: readonly GraphParameter[]): readonly string[] {
  return [...parameters.map(({ name }) => name), sumsName];
}
