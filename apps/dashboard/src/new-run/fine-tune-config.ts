import {
  runNamePattern,
  type FineTuning,
  type FineTuningSection,
} from '@berth/contracts/constants';

export type Column = keyof NonNullable<FineTuningSection['columns']>;

/** What the form of a fine-tuning asks for; what is empty is left to the coordinator. */
export interface FineTuneFields {
  readonly name: string;
  /** The model that it begins with, as `init.from` names it. */
  readonly from: string;
  readonly kind: FineTuning['kind'];
  readonly train: string;
  readonly eval: string;
  readonly numEpochs: number;
  readonly learningRate: number;
  readonly globalBatch: number;
  readonly numWorkers: number;
  /** With commas between. */
  readonly labels: string;
  readonly columns: Readonly<Partial<Record<Column, string>>>;
}

/** Google's settings for a model, under a name that is likely to be free. */
export function fineTuneFieldsOf(from: string, random = Math.random()): FineTuneFields {
  const suffix = Math.floor(random * 36 ** 4)
    .toString(36)
    .padStart(4, '0');
  const base = from
    .replace(/@\d+$/, '')
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return {
    name: `${base.slice(0, 40) || 'fine-tune'}-${base === '' ? '' : 'ft-'}${suffix}`,
    from,
    kind: 'classify',
    train: '',
    eval: '',
    numEpochs: 3,
    learningRate: 5e-5,
    globalBatch: 32,
    numWorkers: 1,
    labels: '',
    columns: {},
  };
}

/** The columns that people may have other names for, and what they hold. */
export function columnsOf(kind: FineTuning['kind']): readonly { name: Column; holds: string }[] {
  if (kind === 'answer') return [];
  if (kind === 'tag')
    return [
      { name: 'words', holds: 'words' },
      { name: 'tags', holds: 'tags' },
    ];
  return [
    { name: 'text', holds: 'text' },
    { name: 'pair', holds: 'second text' },
    { name: 'label', holds: kind === 'regress' ? 'number' : 'label' },
  ];
}

export function hasLabels(kind: FineTuning['kind']): boolean {
  return kind !== 'regress' && kind !== 'answer';
}

/** The config to submit; the coordinator fills in the rest and checks it. */
export function configOfFineTune(fields: FineTuneFields): object {
  const { kind } = fields;
  const labels = hasLabels(kind) ? listOf(fields.labels) : [];
  const columns = columnsOf(kind).flatMap(({ name }) => {
    const value = fields.columns[name]?.trim() ?? '';
    return value === '' ? [] : [[name, value] as const];
  });
  return {
    name: fields.name,
    init: { from: fields.from.trim() },
    task: {
      kind,
      train: fields.train.trim(),
      ...(fields.eval.trim() !== '' && { eval: fields.eval.trim() }),
      ...(labels.length > 0 && { labels }),
      ...(columns.length > 0 && { columns: Object.fromEntries(columns) }),
    },
    optimizer: { learningRate: fields.learningRate },
    train: { numEpochs: fields.numEpochs, globalBatch: fields.globalBatch },
    cluster: { numWorkers: fields.numWorkers },
  };
}

/** Why the form cannot be sent yet. */
export function problemOfFineTune(fields: FineTuneFields): string | undefined {
  if (!runNamePattern.test(fields.name))
    return 'The name takes lower-case letters, digits and hyphens';
  if (fields.from.trim() === '') return 'Say which model it begins with';
  if (fields.train.trim() === '') return 'Say where the training file is';
  if (!(fields.numEpochs > 0)) return 'Epochs must be above 0';
  const counts = [
    ['Workers', fields.numWorkers],
    ['Examples of a step', fields.globalBatch],
  ] as const;
  const wrong = counts.find(([, value]) => !Number.isInteger(value) || value < 1);
  if (wrong !== undefined) return `${wrong[0]} must be a whole number of 1 or more`;
  if (!(fields.learningRate > 0)) return 'The learning rate must be above 0';
  if (hasLabels(fields.kind) && listOf(fields.labels).length === 1)
    return 'There must be two labels or more; none: those of the training file';
  return undefined;
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}
