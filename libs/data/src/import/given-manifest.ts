import {
  BerthError,
  givenDatasetSchema,
  readJson,
  type GivenDataset,
  type StoredPart,
} from '@berth/contracts';
import { openDatasetPlace, type DatasetPlace } from './dataset-place.ts';

/** As large as one may be that is read again from the bucket. */
export const maxManifestBytes = 16 * 2 ** 20;
/** Of a file: what is read of it is in memory at once. */
const maxFileBytes = 256 * 2 ** 20;

/**
 * Reads a manifest, and compares the sizes of all files that it names, before any is read.
 * @throws BerthError `DATA_CORPUS_NOT_FOUND` when there is none, `DATA_CORPUS_INVALID` naming what is wrong
 */
export async function readGivenManifest(place: DatasetPlace): Promise<GivenDataset> {
  const { where } = place;
  const invalid = (problem: string): BerthError =>
    new BerthError('DATA_CORPUS_INVALID', `${where}manifest.json: ${problem}`);
  const file = await place.find('manifest.json');
  if (file === undefined)
    throw new BerthError(
      'DATA_CORPUS_NOT_FOUND',
      `${where} has no manifest.json: corpus.dataset is the folder of a whole dataset (docs/dataset-format.md)`,
    );
  if (file.sizeBytes > maxManifestBytes)
    throw invalid(`${file.sizeBytes} bytes are more than ${maxManifestBytes}: write fewer shards`);
  const text = Buffer.from(await file.read()).toString();
  const reading = readJson(givenDatasetSchema, text);
  if (!reading.ok) throw invalid(reading.problem);
  const manifest = withNames(reading.value, invalid);
  for (const part of partsOf(manifest)) {
    if (part.sizeBytes > maxFileBytes)
      throw invalid(`${part.key} has ${part.sizeBytes} bytes, more than ${maxFileBytes}`);
    const found = await place.find(part.key);
    if (found?.sizeBytes !== part.sizeBytes)
      throw new BerthError(
        'DATA_CORPUS_INVALID',
        `${where}${part.key} ${found === undefined ? 'is not there' : `has ${found.sizeBytes} bytes`}, ` +
          `and manifest.json says that it has ${part.sizeBytes} bytes: copy the dataset again`,
      );
  }
  return manifest;
}

/** All files that a manifest names. */
function partsOf({
  vocabulary,
  tokenCounts,
  train,
  heldOutShards = [],
}: GivenDataset): StoredPart[] {
  const ofShards = [...train, ...heldOutShards].flatMap((shard) => [shard, shard.names]);
  return [vocabulary, tokenCounts, ...ofShards].filter((part) => part !== undefined);
}

/** Keys as names of files: those right in the folder of the dataset, each named once. */
function withNames(manifest: GivenDataset, invalid: (problem: string) => BerthError): GivenDataset {
  const seen = new Set<string>();
  const named = <Part extends StoredPart>(part: Part): Part => {
    const { datasetId } = manifest;
    const prefix = `datasets/${datasetId}/`;
    const isKey = datasetId !== undefined && part.key.startsWith(prefix);
    const key = isKey ? part.key.slice(prefix.length) : part.key;
    if (!/^\w[\w.-]{0,199}$/.test(key))
      throw invalid(`${part.key} is no file right in the folder of the dataset`);
    if (seen.has(key)) throw invalid(`${part.key} is named twice`);
    seen.add(key);
    return { ...part, key };
  };
  const shard = (part: GivenDataset['train'][number]): typeof part => ({
    ...named(part),
    ...(part.names && { names: named(part.names) }),
  });
  const { vocabulary, tokenCounts, train, heldOutShards = [] } = manifest;
  const numOfParts = train.filter(({ part }) => part !== undefined).length;
  if (numOfParts > 0 && numOfParts < train.length)
    throw invalid('some training shards have a part and some have none');
  return {
    ...manifest,
    vocabulary: named(vocabulary),
    ...(tokenCounts && { tokenCounts: named(tokenCounts) }),
    train: train.map(shard),
    heldOutShards: heldOutShards.map(shard),
  };
}

/**
 * Looks at a ready dataset that is on this machine: its manifest, and that its files are there in their sizes.
 * @throws BerthError as `readGivenManifest`
 */
export async function lookAtReadyDataset(path: string): Promise<void> {
  await readGivenManifest(await openDatasetPlace(path, {}));
}
