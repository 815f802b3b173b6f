import { createHash } from 'node:crypto';
import {
  canonicalJson,
  digestOf,
  runConfigSchema,
  type DatasetManifest,
  type DocumentShard,
  type ExamplesConfig,
  type ObjectStore,
} from '@berth/contracts';
import { putNamedDocuments } from '../dataset/document-names.ts';
import { encodeDocumentShard } from '../dataset/document-shard.ts';
import { putPart } from '../dataset/stored-part.ts';
import { serializeTokenCounts } from '../dataset/text-statistics.ts';
import { hashBytes } from '../dataset/token-documents.ts';
import { exampleSetIdOf } from '../examples/example-job.ts';
import { manifestKeyOf } from '../preparation/keys.ts';
import type { ExamplesOfSet } from '../replay/replay-examples.ts';
import { goldenBytes, goldenExcerpt } from './example-fixture.ts';

const { documents: excerpt, vocabulary } = goldenExcerpt();
const numShards = 4;

/** The golden excerpt as a dataset of the third format, in four training shards and two held-out ones; documents are `doc-N`. */
export async function hashedExcerpt(
  store: ObjectStore,
): Promise<{ readonly manifest: DatasetManifest; readonly manifestKey: string }> {
  const documents = excerpt
    .map((sentences, index) => {
      const hash = createHash('sha256')
        .update(sentences.join('\n'))
        .digest()
        .subarray(0, hashBytes);
      return { name: `doc-${index}`, place: [0, index] as const, hash, sentences };
    })
    .sort((a, b) => Buffer.compare(a.hash, b.hash));
  const datasetId = digestOf('the golden excerpt');
  const manifestKey = manifestKeyOf(datasetId);
  const folder = manifestKey.slice(0, manifestKey.lastIndexOf('/'));
  const put = async (name: string, some: typeof documents): Promise<DocumentShard> => ({
    ...(await putPart(store, `${folder}/${name}.bdoc`, encodeDocumentShard(some, 2))),
    numDocuments: some.length,
    numSentences: some.flatMap(({ sentences }) => sentences).length,
    numTokens: some.flatMap(({ sentences }) => sentences.flat()).length,
    names: await putNamedDocuments(store, `${folder}/${name}.names`, some),
  });
  const of = (shard: number): typeof documents =>
    documents.filter(({ hash }) => hash[0]! >> 6 === shard && hash[5]! >= 50);
  const heldOut = documents.filter(({ hash }) => hash[5]! < 50);
  const train: DocumentShard[] = [];
  for (let shard = 0; shard < numShards; shard++)
    train.push(await put(`train-${shard}`, of(shard)));
  const tokenCounts = new Float64Array(vocabulary.tokens.length);
  for (let shard = 0; shard < numShards; shard++)
    for (const id of of(shard).flatMap(({ sentences }) => sentences.flat())) tokenCounts[id]! += 1;
  const half = Math.ceil(heldOut.length / 2);
  const vocabBytes = goldenBytes('vocab-8192.txt');
  const manifest: DatasetManifest = {
    format: 'berth-dataset/3',
    datasetId,
    corpusDigest: digestOf('corpus'),
    vocabulary: {
      ...(await putPart(store, `${folder}/vocab.txt`, vocabBytes)),
      numTokens: vocabulary.tokens.length,
    },
    tokenCounts: await putPart(
      store,
      `${folder}/token-counts.json`,
      serializeTokenCounts(tokenCounts),
    ),
    doLowerCase: true,
    heldOutRatio: 0.2,
    train,
    heldOutShards: [
      await put('held-out-0', heldOut.slice(0, half)),
      await put('held-out-1', heldOut.slice(half)),
    ],
  };
  await putPart(store, manifestKey, new TextEncoder().encode(canonicalJson(manifest)));
  return { manifest, manifestKey };
}

/** The example set that a dataset has by these settings. */
export function setOfDataset(
  { datasetId }: DatasetManifest,
  change: Partial<ExamplesConfig>,
  exampleFormat?: string,
): ExamplesOfSet {
  const sizes = { maxSeqLength: 64, maxPredictions: 10, numShards, shuffleWindowShards: 2 };
  const examples = { ...runConfigSchema.shape.examples.parse({}), ...sizes, ...change };
  const seed = 7;
  const exampleSetId = exampleSetIdOf(datasetId, examples, seed, exampleFormat);
  return { exampleSetId, exampleFormat, manifestKey: manifestKeyOf(datasetId), seed, examples };
}
