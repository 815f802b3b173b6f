import { setImmediate as yieldToOthers } from 'node:timers/promises';
import {
  describeHealth,
  judgeHealth,
  sha256Hex,
  type DatasetManifest,
  type DataView,
  type ExampleShard,
  type ObjectStore,
  type ShownExample,
} from '@berth/contracts';
import type { DatasetReader } from '../dataset/dataset-cache.ts';
import { plainDatasetReader } from '../dataset/dataset-cache.ts';
import { readDocumentNames } from '../dataset/document-names.ts';
import { batchOf } from '../examples/batch.ts';
import { openExamplesJob } from '../examples/example-job.ts';
import { shardsOfDataset } from '../forgetting/find-documents.ts';
import { placedSources, type ExamplesOfSet } from '../replay/replay-examples.ts';
import { nameSources } from '../replay/name-sources.ts';
import { showRow } from '../replay/show-example.ts';
import { epochShardsOf } from '../sampling/epoch-shards.ts';
import { spreadEvenly } from '../sampling/spread-evenly.ts';
import { giveTurn, inTurns, isTurnDue } from '../text/work.ts';
import { createLengths } from './lengths.ts';
import { createDocumentSurvey } from './odd-documents.ts';
import { sampleShard } from './sample-shard.ts';

export interface InspectOptions {
  readonly store: ObjectStore;
  readonly manifest: DatasetManifest;
  readonly set: ExamplesOfSet;
  /** Of the shards that are looked through. */
  readonly numShards: number;
  /** Of each of these; of the shard that examples are made of, and of a share of those they are mixed with. */
  readonly maxBytes: number;
  /** Shown. */
  readonly numExamples: number;
}

const maxNamesBytes = 2 ** 24;

/**
 * Looks at a dataset and at the examples that a run makes of it, at bounded amounts of both: some shards, spread evenly, each
 * up to so many bytes. What is shown of a dataset that is small enough is all of it.
 * @throws BerthError `DATA_SHARD_CORRUPT`, and what the store throws
 */
export async function inspectDataset(options: InspectOptions): Promise<DataView> {
  const { store, manifest, set, numShards, maxBytes } = options;
  const vocabulary = await plainDatasetReader.vocabulary(store, manifest.vocabulary);
  const survey = createDocumentSurvey(vocabulary);
  const all = shardsOfDataset(manifest).filter(({ part }) => part.numDocuments > 0);
  const chosen = spreadEvenly(all.length, numShards).map((at) => all[at]!);
  for (const { split, shard, part } of chosen) {
    const { documents } = await sampleShard(store, part, maxBytes);
    const hasNames = (part.names?.sizeBytes ?? Infinity) <= maxNamesBytes;
    const names = hasNames ? await readDocumentNames(store, part) : undefined;
    await survey.add(documents, { split, shard, names });
    await yieldToOthers();
  }
  const looked = await inspectExamples(options);
  const { health, doLowerCase, heldOutRatio } = manifest;
  const settings = { doLowerCase, heldOutRatio, maxSeqLength: set.examples.maxSeqLength };
  return {
    datasetId: manifest.datasetId,
    format: manifest.format,
    report:
      health === undefined
        ? null
        : {
            summary: describeHealth(health),
            findings: judgeHealth(health, { ...settings, pairsSentences: looked.pairsSentences }),
          },
    numForgotten: manifest.forgotten?.tombstones.length ?? 0,
    looked: {
      numDocuments: survey.numDocuments(),
      ofDocuments: all.reduce((sum, { part }) => sum + part.numDocuments, 0),
      numShards: chosen.length,
      ofShards: all.length,
      numExamples: looked.numExamples,
      areWhole: looked.areWhole,
    },
    shares: [...looked.shares],
    examples: looked.examples,
    exampleLengths: looked.lengths,
    ...survey.found(),
  };
}

interface ExamplesLook {
  readonly pairsSentences: boolean;
  readonly numExamples: number;
  readonly areWhole: boolean;
  readonly shares: DataView['shares'];
  readonly examples: ShownExample[];
  readonly lengths: DataView['exampleLengths'];
}

/** The examples of the first shard that training reads, made of as much of it as is read. */
async function inspectExamples({
  store,
  manifest,
  set,
  maxBytes,
  numExamples: numShown,
}: InspectOptions): Promise<ExamplesLook> {
  const { examples: settings, seed } = set;
  const shard = epochShardsOf({ ...manifest, ...settings, seed })(0)[0]!;
  let areWhole = true;
  let isFirst = true;
  const reader: DatasetReader = {
    ...plainDatasetReader,
    manifest: async () => manifest,
    async documents(of, part) {
      const share = isFirst ? maxBytes : maxBytes / settings.shuffleWindowShards;
      isFirst = false;
      const { documents, isWhole } = await sampleShard(
        of,
        part,
        Math.max(65_536, Math.floor(share)),
      );
      areWhole &&= isWhole;
      return documents;
    },
  };
  const place: Pick<ExampleShard, 'split' | 'epoch' | 'shard'> = {
    split: 'train',
    epoch: 0,
    shard,
  };
  const opened = await openExamplesJob(store, { kind: 'examples', ...set, ...place }, reader);
  const { examples: format, request } = opened;
  await yieldToOthers();
  const bytes = await inTurns(format.make(request));
  await yieldToOthers();
  const examples = format.open(bytes, sha256Hex(bytes));
  const { numExamples } = examples;
  const meter = format.measure?.(settings, request.vocabulary);
  const lengths = createLengths();
  for (let example = 0; example < numExamples; example++) {
    const numTokens = examples.countOf('numTokens', example);
    lengths.add(numTokens);
    meter?.add(batchOf(format.task, settings, [{ reader: examples, example }]), numTokens);
    if (isTurnDue()) await giveTurn();
  }
  const wanted = new Set(spreadEvenly(numExamples, numShown));
  const shown: ShownExample[] = [];
  let example = 0;
  for (const sources of format.sources(request)) {
    if (wanted.has(example))
      shown.push({
        ...place,
        example,
        ...showRow(format.task, settings, request.vocabulary.tokens, { reader: examples, example }),
        sources: placedSources(opened, sources),
      });
    example++;
    if (isTurnDue()) await giveTurn();
  }
  return {
    pairsSentences: format.task.pairsSentences,
    numExamples,
    areWhole,
    shares: [...(meter?.shares() ?? [])],
    examples: await nameSources(store, manifest, shown, maxNamesBytes),
    lengths: lengths.bins(),
  };
}
