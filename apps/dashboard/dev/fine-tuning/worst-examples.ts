import type { FineTuningReport, Outcome, WorstExample } from '@berth/contracts';
import { labelsOf, type FineTuning } from '@berth/contracts/constants';
import { uniform } from '../made-up-numbers.ts';

const sentences = [
  'The state of the Union is strong, and our people are strong, but the work that remains is large and it will be done by all of us together.',
  'We have at length succeeded in the extinguishment of the debt, and every debt that we owed has been paid.',
  'In foreign affairs we reaffirm our unceasing and faithful support of the United Nations as the cornerstone of international organization.',
  'Gold and silver coin has continued to flow into the Treasury.',
  'I therefore recommend to the wisdom of Congress an early revision of the tariff <laws & duties>.',
];
const context =
  'The Treaty of Guadalupe Hidalgo, signed on the 2d of February, 1848, brought the war with Mexico to an end; President Polk submitted it to the Senate on the 23d of February, and the ratifications were exchanged on the 30th of May.';

/** What a made-up model was most wrong about, in the form of each kind. */
export function worstExamples(fineTuning: FineTuning): FineTuningReport['worst'] {
  const labels = labelsOf(fineTuning);
  const label = (i: number): string => labels[Math.floor(uniform(61, i) * labels.length)]!;
  return Array.from({ length: 12 }, (_, i): WorstExample => {
    const text = sentences[i % sentences.length]!;
    return {
      example: 17 * i + 3,
      place: { path: 'data/eval.jsonl', at: `line ${24 * i + 9}` },
      badness: 9 - 0.6 * i,
      ...saidOf(fineTuning, text, i, label),
    };
  });
}

function saidOf(
  { kind }: FineTuning,
  text: string,
  i: number,
  label: (i: number) => string,
): Pick<WorstExample, 'texts' | 'outcomes' | 'numOthers'> {
  const probability = 0.99 - 0.03 * i;
  switch (kind) {
    case 'classify': {
      const truth = label(i);
      const predicted = label(i + 1) === truth ? label(i + 2) : label(i + 1);
      return { texts: [text], outcomes: [{ predicted, probability, truth }], numOthers: 0 };
    }
    case 'classify-many': {
      const outcomes: Outcome[] = [
        { predicted: label(i), probability, truth: null },
        { predicted: null, probability: 1 - probability, truth: label(i + 3) },
        { predicted: label(i + 5), probability: 0.81, truth: label(i + 5) },
      ];
      return { texts: [text], outcomes, numOthers: 0 };
    }
    case 'regress': {
      const pair = sentences[(i + 1) % sentences.length]!;
      const outcomes = [{ predicted: 4.71 - 0.2 * i, truth: 0.4 + 0.1 * i }];
      return { texts: [text, pair], outcomes, numOthers: 0 };
    }
    case 'tag': {
      const words = text.split(' ');
      const wrong = [2, 5, 6].map((place, n): Outcome => ({
        word: words[place]!,
        at: place,
        predicted: n === 2 ? null : label(i + n),
        ...(n !== 2 && { probability: probability - 0.1 * n }),
        truth: label(i + n + 1),
      }));
      return { texts: [text], outcomes: wrong, numOthers: i === 0 ? 3 : 0 };
    }
    case 'answer': {
      const outcome: Outcome =
        i % 3 === 0
          ? { predicted: null, probability, truth: 'the 30th of May' }
          : {
              predicted: 'the 23d of February',
              probability,
              truth: i % 3 === 1 ? 'the 30th of May' : null,
            };
      const question = 'When were the ratifications of the treaty exchanged?';
      return { texts: [question, context], outcomes: [outcome], numOthers: 0 };
    }
  }
}
