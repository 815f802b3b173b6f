import { reportLimits, type Outcome, type WorstExample } from '@berth/contracts';
import { cutText, type RowPlace } from '@berth/data';

/** What is told of an example that may be among the worst. */
export interface ExampleDescription {
  readonly place: RowPlace;
  readonly texts: readonly string[];
  /** Those that matter, the first ones first. */
  readonly outcomes: readonly Outcome[];
}

/** Keeps the worst of the examples that it is told of; whatever their order, the same. */
export class WorstExamples {
  readonly #kept: WorstExample[] = [];

  /** @param describe - called if it is among the worst so far */
  add(example: number, badness: number, describe: () => ExampleDescription): void {
    const isFull = this.#kept.length === reportLimits.worst;
    if (isFull && byBadness({ example, badness }, this.#kept.at(-1)!) > 0) return;
    const { place, texts, outcomes } = describe();
    this.#kept.push({
      example,
      place: { path: cutStart(place.path), at: cutText(place.at, reportLimits.textLength) },
      texts: texts.map((text) => cutText(text, reportLimits.textLength)),
      badness,
      outcomes: outcomes.slice(0, reportLimits.outcomes).map(cutOutcome),
      numOthers: Math.max(0, outcomes.length - reportLimits.outcomes),
    });
    this.#kept.sort(byBadness).splice(reportLimits.worst);
  }

  /** The worst first. */
  list(): WorstExample[] {
    return [...this.#kept];
  }
}

type Placed = Pick<WorstExample, 'example' | 'badness'>;

function byBadness(a: Placed, b: Placed): number {
  return b.badness - a.badness || a.example - b.example;
}

function cutOutcome({ word, predicted, truth, ...others }: Outcome): Outcome {
  const cut = (value: Outcome['truth']): Outcome['truth'] =>
    typeof value === 'string' ? cutText(value, reportLimits.textLength) : value;
  return {
    ...(word !== undefined && { word: cutText(word, reportLimits.textLength) }),
    predicted: cut(predicted),
    truth: cut(truth),
    ...others,
  };
}

/** Of a path the end says more. */
function cutStart(path: string): string {
  const { textLength } = reportLimits;
  return path.length <= textLength ? path : `…${path.slice(1 - textLength)}`;
}
