import { labelsOf, type FineTuning } from '@berth/contracts';
import type { JsonFile } from '@berth/data';

/** The classes of transformers that have the heads of fine-tuning, and what config.json says besides. */
const heads: Record<FineTuning['kind'], { readonly architecture: string; readonly type?: string }> =
  {
    classify: {
      architecture: 'BertForSequenceClassification',
      type: 'single_label_classification',
    },
    'classify-many': {
      architecture: 'BertForSequenceClassification',
      type: 'multi_label_classification',
    },
    regress: { architecture: 'BertForSequenceClassification', type: 'regression' },
    tag: { architecture: 'BertForTokenClassification' },
    answer: { architecture: 'BertForQuestionAnswering' },
  };

/** More labels than any task has; it bounds what is made of a number in a file. */
const maxLabels = 2 ** 16;

export function fineTunedArchitecture({ kind }: FineTuning): string {
  return heads[kind].architecture;
}

/** What config.json says of a head: the names of its labels, and which loss transformers takes. */
export function headJson(fineTuning: FineTuning): Readonly<Record<string, unknown>> {
  if (fineTuning.kind === 'answer') return {};
  const labels = fineTuning.kind === 'regress' ? [unnamed(0)] : labelsOf(fineTuning);
  const { type } = heads[fineTuning.kind];
  return {
    id2label: Object.fromEntries(labels.map((label, id) => [String(id), label])),
    label2id: Object.fromEntries(labels.map((label, id) => [label, id])),
    ...(type !== undefined && { problem_type: type }),
  };
}

/**
 * What a folder's model is fine-tuned for, as its config.json says; `undefined` for one that is not, or for what berth does not
 * have.
 * @throws BerthError `CONFIG_INVALID` when that cannot be, or is a task of the same class that berth does not have
 */
export function fineTuningOf(config: JsonFile): FineTuning | undefined {
  const architectures = config.get('architectures');
  const [architecture] = Array.isArray(architectures) ? (architectures as unknown[]) : [];
  switch (architecture) {
    case 'BertForTokenClassification':
      return { kind: 'tag', labels: labelsIn(config) };
    case 'BertForQuestionAnswering':
      return { kind: 'answer' };
    case 'BertForSequenceClassification':
      return sequenceHead(config);
    default:
      return undefined;
  }
}

/** As transformers chooses the loss of BertForSequenceClassification. */
function sequenceHead(config: JsonFile): FineTuning {
  const labels = labelsIn(config);
  const isOne = labels.length === 1;
  const implied = isOne ? 'regression' : 'single_label_classification';
  const type = config.text('problem_type', implied);
  switch (type) {
    case 'single_label_classification':
      return { kind: 'classify', labels };
    case 'multi_label_classification':
      return { kind: 'classify-many', labels };
    case 'regression':
      if (isOne) return { kind: 'regress' };
      throw config.invalid(
        `problem_type is regression with ${labels.length} labels; berth has regression of one value`,
      );
    default:
      throw config.invalid(
        `problem_type is ${JSON.stringify(type)}; it is single_label_classification, ` +
          'multi_label_classification or regression',
      );
  }
}

/** In the order of their numbers; transformers calls those without names LABEL_n. */
function labelsIn(config: JsonFile): readonly string[] {
  if (!config.has('id2label')) {
    const numLabels = config.has('num_labels') ? config.count('num_labels', { max: maxLabels }) : 2;
    return Array.from({ length: numLabels }, (_, id) => unnamed(id));
  }
  const byId = new Map(config.object('id2label').entries());
  const labels = Array.from({ length: byId.size }, (_, id) => byId.get(String(id)));
  const wrong = labels.findIndex((label) => typeof label !== 'string' || label === '');
  if (labels.length === 0 || wrong !== -1)
    throw config.invalid(
      `id2label must name the labels 0 to n - 1, each by a text, and has none for ${Math.max(wrong, 0)}`,
    );
  const twice = labels.find((label, id) => labels.indexOf(label) !== id);
  if (twice !== undefined)
    throw config.invalid(`id2label has ${JSON.stringify(twice)} twice; labels are told by name`);
  return labels as string[];
}

function unnamed(id: number): string {
  return `LABEL_${id}`;
}
