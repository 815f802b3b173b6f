import {
  corpusPartsOf,
  baselinesOf,
  corpusWeightsText,
  evaluationMetrics,
  phasesOf,
  type FolderLayout,
  type ModelConfig,
  type RunRecord,
} from '@berth/contracts';
import type { WrittenFile } from '../writing/write-weights.ts';
import type { RunFacts } from './run-facts.ts';
import { aimOf, labelledRows, pipelineOf } from './tasks/fine-tuned-card.ts';

/** What a card tells besides the run. */
export interface CardFacts {
  readonly model: ModelConfig;
  readonly doLowerCase: boolean;
  readonly weights: WrittenFile;
  readonly architecture: string;
  readonly layout: FolderLayout;
}

/** The model card of an exported checkpoint: Markdown with the front matter that the Hub reads. */
export function modelCard(run: RunFacts, facts: CardFacts): string {
  return [
    frontMatter(facts.layout, run),
    '',
    `# ${run.runId}`,
    '',
    introduction(run),
    '',
    table(modelRows(facts)),
    '',
    '## Use',
    '',
    ...usage(facts),
    '',
    '## Training',
    '',
    table([...originRows(run), ...dataRows(run), ...trainingRows(run)]),
    '',
    '## Results',
    '',
    ...results(run),
    '',
    '## Verify',
    '',
    table([
      ['SHA-256 of model.safetensors', code(facts.weights.sha256)],
      ["SHA-256 of the weights in berth's order", code(run.weightsDigest)],
      ['head of the ledger', code(run.ledgerHead)],
      ['dataset', code(run.dataset.datasetId)],
      ['arithmetic', numerics(run)],
    ]),
    '',
    'Everybody who has the run can prove that each training example was used exactly once, in order, and that the ledger leads ' +
      `to these weights: \`berth ledger verify ${run.runId}\`. ${againFrom(run)}, on the same ${isFineTuned(run) ? 'rows' : 'text'} and a machine of the same ` +
      'kind, ends with the same bits, and `berth export` writes the same model.safetensors.',
    '',
  ].join('\n');
}

function introduction({ runId, step, dataset }: RunFacts): string {
  const how =
    'fineTuning' in dataset
      ? `fine-tuned with berth, to say ${aimOf(dataset.fineTuning)}`
      : 'pretrained with berth';
  return `A BERT ${how}: step ${count(step)} of run \`${runId}\`.`;
}

function isFineTuned({ dataset }: RunFacts): boolean {
  return 'fineTuning' in dataset;
}

function frontMatter(layout: FolderLayout, { dataset }: RunFacts): string {
  const pipeline = 'fineTuning' in dataset ? pipelineOf(dataset.fineTuning) : 'fill-mask';
  const lines = [
    '# license: choose one; the text that the model was trained on may bind you',
    `library_name: ${layout}`,
    `pipeline_tag: ${layout === 'transformers' ? pipeline : 'sentence-similarity'}`,
    'tags: [bert, berth]',
  ];
  return ['---', ...lines, '---'].join('\n');
}

function modelRows({ model, doLowerCase, architecture }: CardFacts): string[][] {
  return [
    ['class', code(architecture)],
    ['layers, hidden size, heads', `${model.numLayers}, ${model.hiddenSize}, ${model.numHeads}`],
    ['longest sequence', `${count(model.maxPositions)} tokens`],
    ['vocabulary', `${count(model.vocabSize)} entries, ${doLowerCase ? 'uncased' : 'cased'}`],
    ['activation', code(model.hiddenAct)],
  ];
}

function usage({ architecture, layout }: CardFacts): string[] {
  const lines =
    layout === 'sentence-transformers'
      ? [
          'from sentence_transformers import SentenceTransformer',
          "vectors = SentenceTransformer('.').encode(['a sentence'])",
        ]
      : [
          `from transformers import AutoTokenizer, ${architecture}`,
          `model = ${architecture}.from_pretrained('.')`,
          "tokenizer = AutoTokenizer.from_pretrained('.')",
        ];
  return ['```python', ...lines, '```'];
}

/** What a run went on from that did not begin with its seed. */
function originRows({ record }: RunFacts): string[][] {
  const { forkedFrom, config } = record ?? {};
  const { from, sha256 } = config?.init ?? {};
  const sum = sha256 === undefined ? '' : `, SHA-256 ${code(sha256)}`;
  return [
    ...(from === undefined ? [] : [['began with the model', `${code(baseName(from))}${sum}`]]),
    ...(forkedFrom === undefined
      ? []
      : [['forked from', `step ${count(forkedFrom.step)} of run ${code(forkedFrom.runId)}`]]),
  ];
}

function dataRows({ dataset, record }: RunFacts): string[][] {
  if ('fineTuning' in dataset) {
    const train = record?.config.task?.train;
    return [
      ...(train === undefined ? [] : [['rows', code(baseName(train))]]),
      ...labelledRows(dataset),
    ];
  }
  const { health } = dataset;
  const corpus = record?.config.corpus;
  return [
    ...(corpus
      ? [
          [
            'text',
            corpusPartsOf(corpus)
              .map(({ path }) => code(baseName(path)))
              .join(', '),
          ],
        ]
      : []),
    ...(health
      ? [
          ['documents, sentences', `${count(health.numDocuments)}, ${count(health.numSentences)}`],
          [
            'tokens',
            `${count(health.numTrainTokens)}, and ${count(health.numHeldOutTokens)} held out`,
          ],
          [
            '[UNK] among them',
            percent(
              health.numUnknownTokens /
                Math.max(1, health.numTrainTokens + health.numHeldOutTokens),
            ),
          ],
        ]
      : []),
  ];
}

function trainingRows({ record, step, numExamples, numTokens }: RunFacts): string[][] {
  const rows = [
    ['steps', record ? `${count(step)} of ${count(record.config.train.numSteps)}` : count(step)],
    ['examples, tokens used', `${count(numExamples)}, ${count(numTokens)}`],
  ];
  if (record === undefined) return rows;
  const { optimizer, train, seed } = record.config;
  return [
    ...rows,
    ...batchRows(record, step),
    [
      'optimizer',
      `${optimizer.name}, rate ${optimizer.learningRate}, schedule ${optimizer.schedule}, ` +
        `${count(optimizer.numWarmupSteps)} steps of warm-up, weight decay ${optimizer.weightDecay}`,
    ],
    ['precision', train.precision],
    ['seed', String(seed)],
  ];
}

/** One row; of a run in phases one for each that has begun, with what some of them have otherwise. */
function batchRows({ config }: RunRecord, step: number): string[][] {
  const phases = phasesOf(config);
  const isOne = phases.length === 1;
  const own = new Set((config.phases ?? []).flatMap((phase) => Object.keys(phase)));
  return phases
    .filter(({ firstStep }) => firstStep === 0 || firstStep < step)
    .map(({ index, firstStep, endStep, globalBatch, examples }) => {
      const others = Object.entries(examples)
        .filter(([key]) => own.has(key) && !saidOtherwise.has(key))
        .map(([key, value]) => `, ${key} ${JSON.stringify(value)}`);
      const text = corpusWeightsText(config, index + 1);
      const lastStep = Math.min(endStep, step);
      return [
        isOne ? 'batch' : `phase ${index + 1}, steps ${count(firstStep + 1)} to ${count(lastStep)}`,
        `${count(globalBatch)} examples of up to ${count(examples.maxSeqLength)} tokens` +
          others.join('') +
          (text === undefined ? '' : `; text: ${text}`),
      ];
    });
}

/** Settings of a phase that have words of their own. */
const saidOtherwise = new Set(['maxSeqLength', 'corpusWeights']);

/** What gives the same bits again. */
function againFrom({ record }: RunFacts): string {
  if (record?.forkedFrom !== undefined)
    return 'A fork of the same checkpoint with the same settings';
  if (record?.config.init !== undefined) return 'The same run file and the model it begins with';
  return 'The same run file';
}

/** Of a run that was pre-trained a row each; metrics of fine-tuning are more, and have baselines beside. */
function results(run: RunFacts): string[] {
  const { task, training, heldOut } = run;
  const names = ['loss', ...task.metrics.map(({ name }) => name)];
  const row = (what: string, metrics: Readonly<Record<string, unknown>>): string[] => [
    what,
    ...names.map((name) => valueIn(metrics, name)),
  ];
  const means = table([
    ['', 'loss', ...task.metrics.map(({ label }) => label)],
    row(`training, mean of the last ${count(training.numSteps)} steps`, training.metrics),
    ...(heldOut && !isFineTuned(run)
      ? [row(`held-out documents, at step ${count(heldOut.step)}`, heldOut)]
      : []),
  ]);
  if (heldOut === undefined || !isFineTuned(run)) return [means];
  const known = evaluationMetrics(task).filter(({ name }) => typeof heldOut[name] === 'number');
  const reached = known.map(({ name, label }) => {
    const beside = baselinesOf(task, name)
      .filter((baseline) => valueIn(heldOut, baseline.name) !== '-')
      .map((baseline) => `${baseline.label} ${valueIn(heldOut, baseline.name)}`);
    return [label, valueIn(heldOut, name), beside.join(', ')];
  });
  const head = [`held-out rows, at step ${count(heldOut.step)}`, '', 'knowing nothing reaches'];
  return [table([head, ['loss', valueIn(heldOut, 'loss'), ''], ...reached]), '', means];
}

function valueIn(metrics: Readonly<Record<string, unknown>>, name: string): string {
  const value = metrics[name];
  return typeof value === 'number' ? value.toFixed(3) : '-';
}

function numerics({ numerics: { tensorflow, device, kernels, numThreads } }: RunFacts): string {
  return `TensorFlow ${tensorflow}, ${device}, ${kernels}, threads ${numThreads}`;
}

function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...others] = rows;
  const isHeadless = head.length === 2;
  const columns = isHeadless ? ['', ''] : head;
  return [columns, columns.map(() => '---'), ...(isHeadless ? rows : others)]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`)
    .join('\n');
}

/** Not the whole path: a card is published. */
function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function code(text: string): string {
  return `\`${text}\``;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(2)} %`;
}
