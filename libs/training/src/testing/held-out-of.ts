import type { ExampleReader, HeldOutExamples } from '../ports.ts';

/** The examples of one open shard. */
export function heldOutOf(
  reader: Pick<ExampleReader, 'numExamples' | 'copyInto'>,
): HeldOutExamples {
  return {
    numExamples: reader.numExamples,
    rowOf: async (example) => ({ reader, example }),
  };
}
