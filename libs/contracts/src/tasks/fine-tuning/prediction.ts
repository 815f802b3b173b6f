import { z } from 'zod';
import { fineTuningSection, type FineTuningSection } from './settings.ts';

/**
 * What a fine-tuned model is asked about: a text or a pair; the words of a sentence, for a tag each; a question and the context that
 * it is answered from.
 */
export const predictionInputSchema = z.union([
  z.strictObject({ text: z.string(), pair: z.string().optional() }),
  z.strictObject({ words: z.array(z.string()) }),
  z.strictObject({ question: z.string(), context: z.string() }),
]);
export type PredictionInput = z.output<typeof predictionInputSchema>;

/** Longer than any model takes at a time. */
const text = z.string().max(10_000);

/** The same, no longer than what one question of many may be. A context is read in windows. */
export const boundedPredictionInputSchema = z.union(
  [
    z.strictObject({ text, pair: text.optional() }),
    z.strictObject({ words: z.array(z.string().max(1_000)).max(1_000) }),
    z.strictObject({ question: text, context: z.string().max(100_000) }),
  ],
  {
    error:
      'must have text and perhaps pair, or words, or question and context, none of them too long',
  },
);

const probability = z.number();
/** Of each label. */
const probabilities = z.record(z.string(), probability);
const place = z.int().nonnegative();

/** Words that belong together, by their tags. */
const taggedEntitySchema = z.strictObject({
  type: z.string(),
  /** Its words, with spaces between. */
  text: z.string(),
  /** Its first word, counted from 0, and the first one after it. */
  start: place,
  end: place,
});

/** What a fine-tuned model says of an input: one form for each kind. */
export const predictionSchema = z.union([
  z.strictObject({ label: z.string(), probabilities }),
  /** Those that are likelier than not; each has a probability of its own. */
  z.strictObject({ labels: z.array(z.string()), probabilities }),
  z.strictObject({ value: z.number() }),
  z.strictObject({
    words: z.array(z.string()),
    /** One a word; null for what the model did not see, being cut off or nothing but controls. */
    tags: z.array(z.string().nullable()),
    probabilities: z.array(probability.nullable()),
    /** Where tags are of a scheme such as B-PER, I-PER, O. */
    entities: z.array(taggedEntitySchema).optional(),
  }),
  z.strictObject({
    /** Cut out of the context; empty where it has none. */
    answer: z.string(),
    /** Of the answer among the best ones, and that there is none among the same. */
    probability,
    noAnswerProbability: probability,
    /** In the context, in characters (code points) as SQuAD counts; both 0 where it has none. */
    start: place,
    end: place,
  }),
]);
export type Prediction = z.output<typeof predictionSchema>;

/** How rows and texts become examples of a fine-tuning, and outputs answers. */
export const readingSettingsSchema = fineTuningSection.pick({
  columns: true,
  labelSeparator: true,
  docStride: true,
  maxQueryLength: true,
  maxAnswerLength: true,
  numBest: true,
});
export type ReadingSettings = z.output<typeof readingSettingsSchema>;

/** Those of a run. */
export function readingSettingsOf(task: FineTuningSection): ReadingSettings {
  const own = Object.entries(task).filter(([key]) => key in readingSettingsSchema.shape);
  return readingSettingsSchema.parse(Object.fromEntries(own));
}
