import type { Task } from '../task.ts';
import { answer } from './answer.ts';
import { classify, classifyMany } from './classify.ts';
import { regress } from './regress.ts';
import { tag } from './tag.ts';

/** What a trained encoder is fine-tuned for, with the names of its classes, in the order of their numbers. */
export type FineTuning =
  /** A class for each text, or pair of texts. */
  | { readonly kind: 'classify'; readonly labels: readonly string[] }
  /** For each text, or pair, any of the classes, or none. */
  | { readonly kind: 'classify-many'; readonly labels: readonly string[] }
  /** A number for each text, or pair. */
  | { readonly kind: 'regress' }
  /** A class for each word. */
  | { readonly kind: 'tag'; readonly labels: readonly string[] }
  /** Where in the second text the answer to the first begins and ends. */
  | { readonly kind: 'answer' };

/** The task of a fine-tuning: as data, like all tasks, and made from its classes. */
export function fineTuningTask(fineTuning: FineTuning): Task {
  switch (fineTuning.kind) {
    case 'classify':
      return classify(fineTuning.labels);
    case 'classify-many':
      return classifyMany(fineTuning.labels.length);
    case 'regress':
      return regress;
    case 'tag':
      return tag(fineTuning.labels);
    case 'answer':
      return answer;
  }
}

/** The names of its classes; none where it has no classes. */
export function labelsOf(fineTuning: FineTuning): readonly string[] {
  return 'labels' in fineTuning ? fineTuning.labels : [];
}

/** What a run's config says of it before its data was read: the labels if they are given. */
export function fineTuningOf({
  kind,
  labels = [],
}: {
  readonly kind: FineTuning['kind'];
  readonly labels?: readonly string[] | undefined;
}): FineTuning {
  return kind === 'regress' || kind === 'answer' ? { kind } : { kind, labels };
}
