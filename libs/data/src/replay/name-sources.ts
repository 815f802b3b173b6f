import type { DatasetManifest, ObjectStore, ShownExample } from '@berth/contracts';
import { readDocumentNames } from '../dataset/document-names.ts';
import { shardsOfDataset } from '../forgetting/find-documents.ts';

/**
 * The examples with the names of the documents that they are of, where the dataset has them.
 * @param maxBytes - lists of names that are larger are not read
 */
export async function nameSources(
  store: ObjectStore,
  manifest: DatasetManifest,
  examples: readonly ShownExample[],
  maxBytes: number,
): Promise<ShownExample[]> {
  const parts = new Map(
    shardsOfDataset(manifest).map(({ split, shard, part }) => [`${split}/${shard}`, part]),
  );
  const names = new Map<string, readonly (string | null)[] | undefined>();
  for (const { sources } of examples)
    for (const { split, shard } of sources) {
      const key = `${split}/${shard}`;
      const part = parts.get(key);
      if (names.has(key) || (part?.names?.sizeBytes ?? Infinity) > maxBytes) continue;
      names.set(key, part && (await readDocumentNames(store, part)));
    }
  return examples.map((example) => ({
    ...example,
    sources: example.sources.map((source) => {
      const name = names.get(`${source.split}/${source.shard}`)?.[source.document] ?? undefined;
      return name === undefined ? source : { ...source, name };
    }),
  }));
}
