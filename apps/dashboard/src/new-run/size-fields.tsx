import type { JSX } from 'preact';
import { NumberField } from '../components/number-field.tsx';

/** What both kinds of runs are given as numbers. */
export interface Sizes {
  readonly numWorkers: number;
  readonly globalBatch: number;
  readonly learningRate: number;
}

export function SizeFields(props: {
  readonly sizes: Sizes;
  readonly set: (change: Partial<Sizes>) => void;
}): JSX.Element {
  const { sizes, set } = props;
  return (
    <>
      <NumberField
        label="Workers"
        name="numWorkers"
        value={sizes.numWorkers}
        onInput={(numWorkers) => set({ numWorkers })}
      />
      <NumberField
        label="Examples of a step"
        name="globalBatch"
        value={sizes.globalBatch}
        onInput={(globalBatch) => set({ globalBatch })}
      />
      <NumberField
        label="Peak learning rate"
        name="learningRate"
        value={sizes.learningRate}
        onInput={(learningRate) => set({ learningRate })}
      />
    </>
  );
}
