import { pooledClassifier, poolerShapes, type TaskModel } from '@berth/model';
import { maxCount, sepCount } from './sep-count-task.ts';

const classifier = pooledClassifier('cls/sep_count', 'sepCounts', maxCount);

/** Counts by the first token. */
export const sepCountModel: TaskModel = {
  task: sepCount,
  headShapes: (config) => [...poolerShapes(config), ...classifier.shapes(config)],
  vocabularyParameters: [],
  eager: {
    outputs: (context, sequence_TH) => ({ logits: classifier.logits(context, sequence_TH) }),
    sums: ({ logits }, batch) => sumsOf(classifier.sums(logits!, batch)),
  },
  graph: {
    forward(context, hidden_TH) {
      const pass = classifier.forward(context, hidden_TH);
      return {
        outputs: () => ({ logits: pass.logits() }),
        sums: () => sumsOf(pass.sums()),
        backward(scales, gradients) {
          const { sums, hidden } = pass.backward(scales['sep_count']!, gradients);
          return { sums: sumsOf(sums), hidden: [hidden] };
        },
      };
    },
  },
};

function sumsOf<T>({ loss, hits }: { readonly loss: T; readonly hits: T }): Record<string, T> {
  return { sepCountLoss: loss, sepCountCorrect: hits };
}
