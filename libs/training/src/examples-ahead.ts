import type { Cursor } from '@berth/contracts';
import type { ExampleSource, StepExamples } from './example-source.ts';

/** Reads a step's examples while the step before is computed. */
export class ExamplesAhead {
  readonly #source: ExampleSource;
  #coming: { readonly at: Cursor; readonly examples: Promise<StepExamples> } | undefined;

  constructor(source: ExampleSource) {
    this.#source = source;
  }

  /** The step's examples. Unless it is the last, those of the next step are on their way then. */
  async read(cursor: Cursor, step: number, isLast: boolean): Promise<StepExamples> {
    const coming = this.#coming;
    this.#coming = undefined;
    const isThis = coming?.at.epoch === cursor.epoch && coming.at.index === cursor.index;
    const found = await (isThis ? coming.examples : this.#source.at(cursor, step));
    if (!isLast) {
      const examples = this.#source.at(found.to, step + 1);
      // Its failure is taken up by the next read; until then it must not count as unhandled.
      examples.catch(() => undefined);
      this.#coming = { at: found.to, examples };
    }
    return found;
  }
}
