import type { DataView, ShownDocument, ShownShare } from '@berth/contracts';
import { withServices } from '../cluster-access.ts';
import { harmless, type Context } from '../context.ts';
import { datasetLines } from '../dataset-lines.ts';
import { exampleLegend, exampleText } from '../example-text.ts';
import { formatCount, formatTable, plural } from '../format.ts';
import { painter, printPainted, showsColours, type Paint } from '../paint.ts';

export interface InspectOptions {
  readonly examples: number;
  readonly all: boolean;
  readonly json: boolean;
}

/** As much as is looked through in some seconds. */
const look = { numShards: 16, maxBytes: 2 ** 24 };
/** All of each shard, of all of them. */
const wholeLook = { numShards: 1_000_000, maxBytes: 2 ** 30 };

/**
 * `berth data inspect`: examples of a run's data, and whether its numbers are as they should be.
 * @throws BerthError `RUN_NOT_FOUND`, `RUN_STATE_CONFLICT` while the data is not prepared
 */
export async function inspectData(
  context: Context,
  what: string,
  { examples, all, json }: InspectOptions,
): Promise<void> {
  const { inspectData: inspect } = await import('@berth/coordinator/inspect-data');
  const size = { ...(all ? wholeLook : look), numExamples: examples };
  const { runId, view } = await withServices(context, (services) =>
    inspect(services, what, size, context.logger),
  );
  if (json) context.print(JSON.stringify({ runId, ...view }));
  else printPainted(textOf(runId, view, painter(showsColours(context.env))));
}

function textOf(runId: string, view: DataView, paint: Paint): string {
  const { datasetId, format, report, looked, shares, numForgotten } = view;
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ['', paint('strong', title), ...lines];
  const ofDocuments =
    looked.ofDocuments === 0
      ? ''
      : `${formatCount(looked.numDocuments)} of ${plural(looked.ofDocuments, 'document')}, `;
  return [
    `${runId}: dataset ${datasetId.slice(0, 12)} (${format})`,
    ...(report === null ? [] : [harmless(datasetLines(report))]),
    ...(numForgotten === 0 ? [] : [`forgotten: ${plural(numForgotten, 'document')}`]),
    `looked at ${ofDocuments}${formatCount(looked.numShards)} of ${plural(looked.ofShards, 'shard')}, ${plural(looked.numExamples, 'example')}` +
      (looked.areWhole ? '' : ' made of the first documents of a shard'),
    ...section('Examples, and what they should be', sharesText(shares, paint)),
    ...section('Tokens of a document', histogram(view.documentLengths)),
    ...section('Tokens of an example', histogram(view.exampleLengths)),
    ...section(
      'Longest documents',
      view.longest.map((one) => documentText(one, paint)),
    ),
    ...section(
      'Most [UNK]',
      view.mostUnknown.map((one) => documentText(one, paint, percent)),
    ),
    ...section(
      'Most digits and punctuation',
      view.mostSymbols.map((one) => documentText(one, paint, percent)),
    ),
    ...section(
      'Equal documents',
      view.duplicates.map((one) => documentText(one, paint, (times) => `${times} times`)),
    ),
    ...(view.examples.length === 0
      ? []
      : [
          '',
          paint('strong', 'Examples of epoch 0'),
          exampleLegend(paint),
          ...view.examples.flatMap((example) => [
            '',
            paint('dim', `  number ${example.example} of shard ${example.shard}`),
            exampleText(example, paint),
          ]),
        ]),
  ].join('\n');
}

function sharesText(shares: readonly ShownShare[], paint: Paint): string[] {
  if (shares.length === 0) return [];
  const rows = shares.map(({ label, value, low, high, source = '' }) => {
    const band =
      low === undefined || high === undefined ? '' : `${low.toFixed(3)} to ${high.toFixed(3)}`;
    const isOut = (low !== undefined && value < low) || (high !== undefined && value > high);
    return [
      `  ${label}`,
      value.toFixed(3),
      band,
      band === '' ? '' : isOut ? 'outside' : 'ok',
      source,
    ];
  });
  return formatTable(rows)
    .split('\n')
    .map((line) => (/ outside( |$)/.test(line) ? paint('replaced', line) : line));
}

const barLength = 40;

function histogram(bins: DataView['documentLengths']): string[] {
  const most = Math.max(1, ...bins.map(({ count }) => count));
  const widest = Math.max(0, ...bins.map(({ to }) => formatCount(to - 1).length));
  return bins.map(({ from, to, count }) => {
    const range = `${formatCount(from).padStart(widest)} to ${formatCount(to - 1).padStart(widest)}`;
    const bar = '█'.repeat(Math.ceil((barLength * count) / most));
    return `  ${range}  ${formatCount(count).padStart(9)}  ${bar}`.trimEnd();
  });
}

function documentText(
  { name, hash, split, shard, document, numTokens, numSentences, value, beginning }: ShownDocument,
  paint: Paint,
  of?: (value: number) => string,
): string {
  const place =
    split === 'train' ? `document ${document} of shard ${shard}` : `held out, ${document}`;
  const what = [
    ...(of === undefined ? [] : [of(value)]),
    harmless(name ?? place),
    plural(numTokens, 'token'),
    plural(numSentences, 'sentence'),
    ...(hash === undefined ? [] : [hash]),
  ];
  return `  ${what.join(', ')}\n    ${paint('dim', harmless(beginning.join(' ')))}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
