import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, type ModelPlace, type ObjectStore } from '@berth/contracts';
import { openModel, type OpenModel } from './open-model.ts';

/** Two can be compared; more of them would fill the memory of a machine that trains. */
const numKept = 2;

/** The models asked for last, loaded. For one question at a time: a model may go with the next. */
export class ModelShelf {
  readonly #store: () => ObjectStore;
  /** The one asked for last is last. */
  readonly #models = new Map<string, OpenModel>();

  constructor(store: () => ObjectStore) {
    this.#store = store;
  }

  /** @throws what `openModel` throws */
  async get(place: ModelPlace): Promise<OpenModel> {
    const key = await keyOf(place);
    const known = this.#models.get(key);
    this.#models.delete(key);
    if (known === undefined)
      for (const [oldest, model] of this.#models) {
        if (this.#models.size < numKept) break;
        this.#models.delete(oldest);
        model.dispose();
      }
    const model = known ?? (await openModel(this.#store, place));
    this.#models.set(key, model);
    return model;
  }
}

/** What a checkpoint or a stored model is never changes; of a folder, when its files last have. */
async function keyOf(place: ModelPlace): Promise<string> {
  if (place.kind !== 'folder') return canonicalJson(place);
  const names = await readdir(place.path).catch(() => []);
  const times = await Promise.all(
    names.map((name) => stat(join(place.path, name)).then(({ mtimeMs }) => `${name} ${mtimeMs}`)),
  );
  return [canonicalJson(place), ...times.sort()].join('\n');
}
