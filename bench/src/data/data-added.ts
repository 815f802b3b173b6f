import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import {
  datasetJobSchema,
  heldOutShardsOf,
  parseRunConfig,
  type DatasetManifest,
  type ObjectStore,
} from '@berth/contracts';
import { prepareDataset, readDatasetManifest, readDocumentShard } from '@berth/data';
import { commonOptions, countOf, text } from '../options.ts';
import { startBenchServices } from '../services.ts';
import { madeUpDocuments } from './made-up-text.ts';

const help = `Usage: npx berth bench data-added [options]

Makes a dataset, and another of the same text with a file more, and tells what share of the document shards has other bytes, whether any
document of before has moved, and how many texts are on both sides of the split. Some of the added documents are copies of others.

  --file PATH      documents: a .jsonl or .jsonl.gz with the field text (default made-up ones)
  --mb N           megabytes of made-up text (default 10)
  --shards N       examples.numShards (default 16)
  --added LIST     documents of the added file (default 1,4,16,64)
  --copies N       more of it, which are copies of documents that were there (default 20)
  --vocabulary N   entries; trained on the text before, and kept (default 4000)
  --folder PATH    where text lies meanwhile (default the system's for temporary files)
  --json           all figures`;

const { values } = parseArgs({
  options: {
    file: text(''),
    mb: text('10'),
    shards: text('16'),
    added: text('1,4,16,64'),
    copies: text('20'),
    vocabulary: text('4000'),
    folder: text(tmpdir()),
    ...commonOptions,
  },
});

/** Where the documents of a dataset are: of each text its shards, and its place among the texts that both datasets have. */
interface Placed {
  readonly manifest: DatasetManifest;
  /** Digests of the token ids of each document, by the name of its shard. */
  readonly shards: ReadonlyMap<string, readonly string[]>;
  readonly digests: ReadonlyMap<string, string>;
}

interface Added {
  readonly duplicates: string;
  readonly numAdded: number;
  readonly numShards: number;
  readonly changedRatio: number;
  /** Were each new document in a shard of chance. */
  readonly expectedRatio: number;
  /** In another shard, or another order in it. */
  readonly numMoved: number;
  readonly numOnBothSides: number;
  readonly numDocuments: number;
}

async function main(): Promise<void> {
  const bench = await startBenchServices();
  const folder = mkdtempSync(join(resolve(values.folder), 'berth-bench-data-added-'));
  const found: Added[] = [];
  const numsAdded = values.added.split(',').map((count) => countOf('added', count));
  try {
    const all = readDocuments(Math.max(...numsAdded));
    const most = Math.max(...numsAdded);
    const before = all.slice(0, all.length - most);
    const path = join(folder, 'text');
    mkdirSync(path);
    writeFileSync(join(path, 'm-before.jsonl'), jsonl(before));
    const vocabulary = join(folder, 'vocab.txt');
    for (const duplicates of ['drop', 'keep'] as const) {
      const base = await place(bench.store, { path, vocabulary, duplicates });
      for (const numAdded of numsAdded) {
        // Listed before the other, so that no document keeps its number in the corpus.
        const file = join(path, 'a-added.jsonl');
        const copies = before.slice(0, Number(values.copies));
        writeFileSync(file, jsonl([...all.slice(all.length - numAdded), ...copies]));
        const more = await place(bench.store, { path, vocabulary, duplicates });
        const numNew = numAdded + (duplicates === 'keep' ? copies.length : 0);
        found.push({ duplicates, numAdded, ...compare(base, more, numNew) });
        rmSync(file);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await bench.close();
  }
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim()}, Node ${process.version}`;
  if (values.json) console.log(JSON.stringify({ machine, settings: values, found }, null, 2));
  else for (const one of found) console.log(describe(one));
  const wrong = found.filter((one) => one.numMoved > 0 || one.numOnBothSides > 0);
  if (wrong.length > 0) throw new Error('documents have moved, or are on both sides of the split');
}

function readDocuments(most: number): string[] {
  if (values.file !== '') {
    const bytes = readFileSync(values.file);
    const lines = (values.file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().trimEnd();
    const documents = lines.split('\n').map((line) => (JSON.parse(line) as { text: string }).text);
    if (documents.length > most) return documents;
    throw new RangeError(`--added ${most} is not less than the ${documents.length} documents`);
  }
  const numBytes = countOf('mb', values.mb) * 1e6;
  const documents: string[] = [];
  let written = 0;
  for (const document of madeUpDocuments('prose', 1)) {
    documents.push(document);
    if (written < numBytes) written += document.length;
    else if (documents.length > 2 * most) return documents;
  }
  return documents;
}

function jsonl(documents: readonly string[]): string {
  return documents.map((one) => `${JSON.stringify({ text: one })}\n`).join('');
}

async function place(
  store: ObjectStore,
  setting: { path: string; vocabulary: string; duplicates: 'drop' | 'keep' },
): Promise<Placed> {
  const manifest = await prepare(store, setting);
  const shards = new Map<string, string[]>();
  const digests = new Map<string, string>();
  const splits = { train: manifest.train, heldOut: heldOutShardsOf(manifest) };
  for (const [split, parts] of Object.entries(splits))
    for (const part of parts) {
      const name = part.key.slice(part.key.lastIndexOf('/') + 1);
      const { tokens, sentenceStarts, documentStarts } = await readDocumentShard(store, part);
      const documents = Array.from(documentStarts.subarray(1), (end, d) => {
        const [from, to] = [sentenceStarts[documentStarts[d]!]!, sentenceStarts[end]!];
        const ids = Uint32Array.from(tokens.subarray(from, to));
        return createHash('sha256').update(ids).digest('base64');
      });
      shards.set(`${split} ${name}`, documents);
      digests.set(`${split} ${name}`, part.sha256);
    }
  return { manifest, shards, digests };
}

async function prepare(
  store: ObjectStore,
  { path, vocabulary, duplicates }: { path: string; vocabulary: string; duplicates: string },
): Promise<DatasetManifest> {
  const isFirst = !known.has(vocabulary);
  const { corpus, seed, examples, ...config } = parseRunConfig(
    {
      name: 'measured',
      corpus: { path, duplicates },
      vocabulary: isFirst
        ? { size: countOf('vocabulary', values.vocabulary) }
        : { path: vocabulary },
      examples: { numShards: countOf('shards', values.shards) },
    },
    'berth bench data-added',
  );
  const job = datasetJobSchema.parse({
    kind: 'dataset',
    runId: 'measured',
    corpus,
    vocabulary: config.vocabulary,
    numShards: examples.numShards,
    seed,
    askedAtMs: 0,
  });
  const manifest = await readDatasetManifest(store, await prepareDataset(job, store));
  if (!isFirst) return manifest;
  writeFileSync(vocabulary, await store.get(manifest.vocabulary.key));
  known.add(vocabulary);
  return prepare(store, { path, vocabulary, duplicates });
}

const known = new Set<string>();

function compare(
  base: Placed,
  more: Placed,
  numNew: number,
): Omit<Added, 'duplicates' | 'numAdded'> {
  const names = [...more.digests.keys()];
  const numChanged = names.filter((name) => more.digests.get(name) !== base.digests.get(name));
  const numDocuments = [...more.shards.values()].reduce((sum, { length }) => sum + length, 0);
  const sizes = names.map((name) => more.shards.get(name)!.length / numDocuments);
  const unchanged = sizes.reduce((sum, share) => sum + (1 - share) ** numNew, 0);
  let numMoved = 0;
  for (const [name, documents] of base.shards) {
    const now = more.shards.get(name) ?? [];
    let at = 0;
    // Each stands after the one that it stood after.
    for (const document of documents) {
      const found = now.indexOf(document, at);
      if (found === -1) numMoved++;
      else at = found + 1;
    }
  }
  const ofSplit = (split: string): Set<string> =>
    new Set([...more.shards].filter(([name]) => name.startsWith(split)).flatMap(([, all]) => all));
  const train = ofSplit('train');
  return {
    numShards: names.length,
    changedRatio: numChanged.length / names.length,
    expectedRatio: 1 - unchanged / names.length,
    numMoved,
    numOnBothSides: [...ofSplit('heldOut')].filter((one) => train.has(one)).length,
    numDocuments,
  };
}

function describe(one: Added): string {
  const percent = (ratio: number): string => `${(100 * ratio).toFixed(0)} %`;
  return (
    `duplicates ${one.duplicates}: a file of ${one.numAdded} new documents and ${values.copies} copies: ` +
    `${percent(one.changedRatio)} of ${one.numShards} shards have other bytes (${percent(one.expectedRatio)} by chance), ` +
    `of ${one.numDocuments} documents ${one.numMoved} moved; ${one.numOnBothSides} texts on both sides of the split`
  );
}

if (values.help) console.log(help);
else await main();
