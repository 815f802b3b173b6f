import { z } from 'zod';

const count = z.int().nonnegative();
const ratio = z.number();
/** Cut for people: a report is small whatever the data. */
const text = z.string().max(1000);

/** How well a class is found: as scikit-learn's table of classes, or seqeval's of entities. */
const classScoresSchema = z.strictObject({
  label: text,
  precision: ratio,
  recall: ratio,
  f1: ratio,
  /** How often it is there. */
  support: count,
});

const answerScoresSchema = z.strictObject({ exact: ratio, f1: ratio, total: count });

/** A thing that was predicted, and what it is: `null` for none. */
const outcomeSchema = z.strictObject({
  /** The word that it is about. */
  word: text.optional(),
  /** Which word of the sentence that is, counted from 0. */
  at: count.optional(),
  predicted: z.union([text, z.number(), z.null()]),
  /** Of what was predicted; of a label that was not, its own. */
  probability: z.number().optional(),
  truth: z.union([text, z.number(), z.null()]),
});

const worstExampleSchema = z.strictObject({
  /** Its number among the held-out ones. */
  example: count,
  place: z.strictObject({ path: text, at: text }),
  /** One, or two that belong together. */
  texts: z.array(text).min(1).max(2),
  /** How wrong it is: larger is worse, comparable inside the report only. */
  badness: z.number(),
  /** Where there are several, wrong ones first. */
  outcomes: z.array(outcomeSchema),
  /** There are more. */
  numOthers: count,
});

/** Most of each kind of thing in a report. */
export const reportLimits = {
  worst: 50,
  /** Of an example. */
  outcomes: 20,
  /** With scores of their own. */
  classes: 300,
  /** Rows and columns of the confusion matrix. */
  confusionClasses: 40,
  pairs: 500,
  textLength: 400,
} as const;

/**
 * What an evaluation of a fine-tuned model found: numbers and examples, of a bounded size. What its kind does not have is
 * absent.
 */
export const fineTuningReportSchema = z.strictObject({
  format: z.literal('berth-fine-tuning-report/1'),
  kind: z.enum(['classify', 'classify-many', 'regress', 'tag', 'answer']),
  /** In the order of their numbers, cut for people. */
  labels: z.array(text),
  /** Texts, sentences or questions that were measured. */
  numExamples: count,
  /** By the names of the task's metrics; `null` where it is not defined. */
  metrics: z.record(z.string(), z.number().nullable()),
  /** What predictors that have learnt nothing reach in some of them, on the same examples. */
  baselines: z.array(
    z.strictObject({
      /** In snake case, such as `majority`. */
      name: z.string(),
      /** For people. */
      label: z.string(),
      metrics: z.record(z.string(), z.number()),
    }),
  ),
  /** Of classes, of entities (`entity`), or of tags. */
  scores: z
    .strictObject({
      of: z.enum(['class', 'entity', 'tag']),
      rows: z.array(classScoresSchema).max(reportLimits.classes),
      /** Classes with less support than these. */
      numLeftOut: count,
    })
    .optional(),
  /** Row by row the true classes, column by column the predicted ones. */
  confusion: z
    .strictObject({
      /** Numbers of the classes of its rows and columns: those that are most often true or predicted. */
      classes: z.array(count).max(reportLimits.confusionClasses),
      counts: z.array(z.array(count)),
      /** Examples, or words, of which either class is not among them. */
      numLeftOut: count,
    })
    .optional(),
  /** Truths and predictions, example by example. */
  pairs: z
    .strictObject({
      truth: z.array(z.number()).max(reportLimits.pairs),
      predicted: z.array(z.number()).max(reportLimits.pairs),
      numLeftOut: count,
    })
    .optional(),
  answers: z
    .strictObject({
      /** Of questions that have an answer, and of those that have none. */
      hasAnswer: answerScoresSchema.optional(),
      noAnswer: answerScoresSchema.optional(),
      /**
       * What is reached if a question counts as unanswered from the best threshold on. `threshold`: how much more "no answer" must
       * score than the best answer.
       */
      best: z
        .strictObject({
          exact: ratio,
          exactThreshold: z.number(),
          f1: ratio,
          f1Threshold: z.number(),
        })
        .optional(),
      /** Questions of which not all windows were evaluated: not measured. */
      numIncomplete: count,
    })
    .optional(),
  /** Words that the model was not shown, being behind the end of its input: they count as not found. */
  numUnseenWords: count.optional(),
  /** The worst first. */
  worst: z.array(worstExampleSchema).max(reportLimits.worst),
});

export type FineTuningReport = z.output<typeof fineTuningReportSchema>;
export type WorstExample = z.output<typeof worstExampleSchema>;
export type Outcome = z.output<typeof outcomeSchema>;
