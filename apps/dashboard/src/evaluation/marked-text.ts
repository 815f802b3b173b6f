import type { Outcome } from '@berth/contracts';

/** A piece of a text: whether it is the true answer, or what was predicted, or a part of both. */
export interface MarkedPart {
  readonly text: string;
  readonly isTruth: boolean;
  readonly isPredicted: boolean;
}

/** A context in pieces, in which the true answer and the predicted one are marked where they stand in it. */
export function markAnswer(context: string, { truth, predicted }: Outcome): MarkedPart[] {
  const spans = [truth, predicted].map((answer) => spanOf(context, answer));
  const cuts = [0, context.length, ...spans.flat()];
  const places = [...new Set(cuts)].toSorted((a, b) => a - b);
  return places.slice(1).map((end, i) => {
    const start = places[i]!;
    const [isTruth, isPredicted] = spans.map(([from, to]) => start >= from && end <= to);
    return {
      text: context.slice(start, end),
      isTruth: isTruth === true,
      isPredicted: isPredicted === true,
    };
  });
}

/** Of a context that was cut around the answer, the place in its middle; otherwise the first. */
function spanOf(context: string, answer: Outcome['truth']): readonly [number, number] {
  if (typeof answer !== 'string' || answer === '') return [0, 0];
  const middle = context.startsWith('…') ? (context.length - answer.length) / 2 : 0;
  let best = -1;
  for (let at = context.indexOf(answer); at >= 0; at = context.indexOf(answer, at + 1))
    if (best < 0 || Math.abs(at - middle) < Math.abs(best - middle)) best = at;
  return best < 0 ? [0, 0] : [best, best + answer.length];
}

export interface MarkedWord {
  readonly text: string;
  /** What is wrong about it. */
  readonly outcome?: Outcome;
}

/** The words of a sentence, those with an outcome with it. Outcomes are in the order of the sentence. */
export function markWords(sentence: string, outcomes: readonly Outcome[]): MarkedWord[] {
  const words = sentence.split(' ');
  const ofWord = new Map<number, Outcome>();
  let from = 0;
  for (const outcome of outcomes) {
    const { word, at } = outcome;
    const place = at !== undefined && words[at] === word ? at : words.indexOf(word ?? '', from);
    if (place < 0) continue;
    ofWord.set(place, outcome);
    from = place + 1;
  }
  return words.map((text, place) => {
    const outcome = ofWord.get(place);
    return outcome === undefined ? { text } : { text, outcome };
  });
}
