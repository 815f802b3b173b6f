import {
  BerthError,
  canonicalJson,
  digestOf,
  sha256Hex,
  verifiedDatasetSchema,
  type DatasetJob,
  type DatasetJobResult,
  type DatasetManifest,
  type DocumentShard,
  type GivenDataset,
  type ObjectStore,
  type StoredPart,
} from '@berth/contracts';
import { encodeDocumentShard, idBytesOf } from '../dataset/document-shard.ts';
import { refuseUnsuitable } from '../dataset/health-of-tokens.ts';
import { isLabelled, readAnyDataset, readDatasetManifest } from '../dataset/read-dataset.ts';
import { putPart } from '../dataset/stored-part.ts';
import { serializeTokenCounts } from '../dataset/text-statistics.ts';
import {
  datasetPrefix,
  documentShardKey,
  manifestKeyOf,
  recipeKey,
  verifiedKey,
} from '../preparation/keys.ts';
import type { StageOptions } from '../preparation/stage-options.ts';
import { getJson, putJson } from '../preparation/stored-json.ts';
import { ownTextRules } from '../text/text-rules.ts';
import { checkDataset, givenOf } from './check-dataset.ts';
import { isDatasetId, openDatasetPlace, storedDatasetPlace } from './dataset-place.ts';
import { maxManifestBytes, readGivenManifest } from './given-manifest.ts';

/**
 * Does an import job: verifies a ready dataset completely, and takes it into the bucket under an id of its content; one that lies in
 * the bucket already stays as it is. It may be done twice: the same dataset.
 * @throws BerthError `DATA_CORPUS_NOT_FOUND` where nothing is to be seen of it, `DATA_CORPUS_INVALID` naming file and byte where it is
 * damaged, `DATA_VOCABULARY_INVALID`, `DATA_UNSUITABLE`, `DATA_MISMATCH` when it is not what the run has trained on or not of the
 * vocabulary of the model to begin with; what the store throws
 */
export async function importDataset(
  request: DatasetJob,
  store: ObjectStore,
  options: StageOptions = {},
): Promise<DatasetJobResult> {
  const { dataset = '' } = request.corpus;
  if (isDatasetId(dataset)) return useStored(dataset, request, store, options);
  options.onProgress?.({ numBytes: 0, numDocuments: 0, activity: 'opening the dataset' });
  const place = await openDatasetPlace(dataset, options);
  const given = await readGivenManifest(place);
  requireVocabularyOfModel(request, given);
  const corpusDigest = digestOfContent(given);
  const known = await knownOf(request, store);
  if (known?.corpusDigest === corpusDigest) return { manifestKey: manifestKeyOf(known.datasetId) };
  refuseOther(request, known);
  // Whose tables mask whole words of it.
  const { textRules = ownTextRules() } = given;
  const datasetId = digestOf({ format: 'berth-imported-dataset/1', corpusDigest, textRules });
  const manifestKey = manifestKeyOf(datasetId);
  if ((await store.head(manifestKey)) !== undefined) return { manifestKey };

  const stored = new Map<string, StoredPart>();
  const keys = keysIn(datasetId, given);
  const { tokenCounts, health } = await checkDataset(place, given, {
    ...options,
    async onFile({ key }, bytes) {
      stored.set(key, await putPart(store, keys.get(key)!, bytes));
    },
  });
  const taken = <Part extends StoredPart>(part: Part): Part => ({
    ...part,
    ...stored.get(part.key)!,
  });
  const shard = (part: DocumentShard): DocumentShard => ({
    ...taken(part),
    ...(part.names && { names: taken(part.names) }),
  });
  const { train, heldOutShards = [], doLowerCase, vocabulary } = given;
  const heldOut = heldOutShards.map(shard);
  const heldOutRatio = ratioOf(given);
  const { pairsSentences = true } = request;
  const trained = train.map(shard).filter(({ numDocuments }) => numDocuments > 0);
  if (trained.length === 0)
    throw new BerthError('DATA_CORPUS_EMPTY', `${place.where} has no document to train on`);
  refuseUnsuitable(health, { doLowerCase, heldOutRatio, pairsSentences });
  const folder = datasetPrefix(datasetId);
  const manifest: DatasetManifest = {
    format: 'berth-dataset/3',
    datasetId,
    corpusDigest,
    vocabulary: taken(vocabulary),
    tokenCounts: await putPart(
      store,
      `${folder}token-counts.json`,
      serializeTokenCounts(tokenCounts),
    ),
    doLowerCase,
    heldOutRatio,
    textRules,
    health,
    train: trained,
    heldOutShards:
      heldOut.length > 0 ? heldOut : [await emptyShard(store, datasetId, vocabulary.numTokens)],
  };
  const bytes = Buffer.from(canonicalJson(manifest));
  if (bytes.length > maxManifestBytes)
    throw new BerthError(
      'DATA_CORPUS_INVALID',
      `${place.where}manifest.json names so many shards that berth's own has ${bytes.length} bytes, more than ` +
        `${maxManifestBytes}: write fewer shards`,
    );
  await markVerified(store, datasetId, bytes);
  await putPart(store, manifestKey, bytes);
  return { manifestKey };
}

/** What a dataset is, whatever its files are called and whoever wrote it. */
function digestOfContent(given: GivenDataset): string {
  const { doLowerCase, vocabulary, train, heldOutShards = [] } = given;
  const shards = (parts: readonly DocumentShard[]): unknown =>
    parts.map(({ sha256, part, names }) => ({ sha256, part, names: names?.sha256 }));
  return digestOf({
    format: 'berth-dataset/3',
    doLowerCase,
    heldOutRatio: ratioOf(given),
    vocabulary: vocabulary.sha256,
    train: shards(train),
    heldOut: shards(heldOutShards),
  });
}

/** The share that was to be held out; none where nothing is, and what is where nobody says. */
function ratioOf({ heldOutRatio, train, heldOutShards = [] }: GivenDataset): number {
  const numOf = (parts: readonly DocumentShard[]): number =>
    parts.reduce((sum, { numDocuments }) => sum + numDocuments, 0);
  const numHeldOut = numOf(heldOutShards);
  if (numHeldOut === 0) return 0;
  return heldOutRatio || numHeldOut / (numHeldOut + numOf(train));
}

/** Where each file of a dataset is to lie, by its name. */
function keysIn(
  datasetId: string,
  { vocabulary, train, heldOutShards = [] }: GivenDataset,
): ReadonlyMap<string, string> {
  const keys = new Map([[vocabulary.key, `${datasetPrefix(datasetId)}vocab.txt`]]);
  for (const [split, parts] of Object.entries({ train, heldOut: heldOutShards }))
    for (const [index, { key, names }] of parts.entries()) {
      const keyOf = (ending: 'bdoc' | 'names.jsonl'): string =>
        documentShardKey(datasetId, split as 'train' | 'heldOut', index, ending);
      keys.set(key, keyOf('bdoc'));
      if (names !== undefined) keys.set(names.key, keyOf('names.jsonl'));
    }
  return keys;
}

async function emptyShard(
  store: ObjectStore,
  datasetId: string,
  numEntries: number,
): Promise<DocumentShard> {
  const key = documentShardKey(datasetId, 'heldOut', 0, 'bdoc');
  const part = await putPart(store, key, encodeDocumentShard([], idBytesOf(numEntries)));
  return { ...part, numDocuments: 0, numSentences: 0, numTokens: 0 };
}

/** One that lies in the bucket. What berth has not made is checked once. */
async function useStored(
  datasetId: string,
  request: DatasetJob,
  store: ObjectStore,
  options: StageOptions,
): Promise<DatasetJobResult> {
  const known = await knownOf(request, store);
  if ((known?.forgotten?.datasetId ?? known?.datasetId) === datasetId)
    return { manifestKey: manifestKeyOf(known!.datasetId) };
  refuseOther(request, known);
  const manifestKey = manifestKeyOf(datasetId);
  if ((await store.head(manifestKey)) === undefined)
    throw new BerthError(
      'DATA_INPUT_NOT_FOUND',
      `corpus.dataset: ${store.describe()} has no dataset ${datasetId}`,
    );
  const manifest = await readAnyDataset(store, manifestKey);
  if (isLabelled(manifest) || manifest.format !== 'berth-dataset/3')
    throw new BerthError(
      'DATA_MISMATCH',
      `corpus.dataset: ${datasetId} is ${isLabelled(manifest) ? 'one of labelled examples' : `of ${manifest.format}`}, ` +
        'and runs take berth-dataset/3',
    );
  requireVocabularyOfModel(request, manifest);
  if ((await store.head(recipeKey(datasetId))) !== undefined) return { manifestKey };
  const bytes = await store.get(manifestKey);
  const marker = verifiedKey(datasetId);
  const isMarked = (await store.head(marker)) !== undefined;
  if (isMarked && (await getJson(store, verifiedDatasetSchema, marker)).sha256 === sha256Hex(bytes))
    return { manifestKey };
  const place = storedDatasetPlace(store, datasetId);
  if (manifest.datasetId !== datasetId || manifest.train.some((part) => part.numDocuments === 0))
    throw new BerthError(
      'DATA_CORPUS_INVALID',
      `${place.where}manifest.json: it has another id, or a training shard without documents`,
    );
  const { health } = await checkDataset(place, givenOf(manifest), options);
  const { pairsSentences = true } = request;
  refuseUnsuitable(health, { ...manifest, pairsSentences });
  await markVerified(store, datasetId, bytes);
  return { manifestKey };
}

async function markVerified(
  store: ObjectStore,
  datasetId: string,
  manifest: Uint8Array,
): Promise<void> {
  const sha256 = sha256Hex(manifest);
  await putJson(store, verifiedKey(datasetId), { format: 'berth-verified/1', sha256 });
}

async function knownOf(
  { known }: DatasetJob,
  store: ObjectStore,
): Promise<DatasetManifest | undefined> {
  if (known === undefined) return undefined;
  // One that has gone is taken in again, unless a run's weights depend on it.
  if (!known.isTrainedOn && (await store.head(known.manifestKey)) === undefined) return undefined;
  return readDatasetManifest(store, known.manifestKey);
}

function refuseOther(
  { known, runId, corpus }: DatasetJob,
  manifest: DatasetManifest | undefined,
): void {
  if (known?.isTrainedOn !== true || manifest === undefined) return;
  throw new BerthError(
    'DATA_MISMATCH',
    `Run "${runId}" was trained on dataset ${manifest.datasetId}, and ${corpus.dataset} is another: put it back, ` +
      `go on with the data as it was by \`berth resume ${runId}\`, or choose another name`,
  );
}

/** A run that begins with a model has its lower-casing too. */
function requireVocabularyOfModel(
  { modelVocabulary, vocabulary: ofRun, corpus }: DatasetJob,
  { vocabulary, doLowerCase }: Pick<GivenDataset, 'vocabulary' | 'doLowerCase'>,
): void {
  if (modelVocabulary === undefined) return;
  const isSame = modelVocabulary.sha256 === vocabulary.sha256;
  if (isSame && ofRun.doLowerCase === doLowerCase) return;
  throw new BerthError(
    'DATA_MISMATCH',
    `${corpus.dataset} has another ${isSame ? 'doLowerCase' : 'vocabulary'} than the model to begin with: write it with ` +
      'that one, or begin from the seed',
  );
}
