import { BerthError, runNamePattern } from '@berth/contracts';

/** The folder of a model that runs begin with, by the SHA-256 that it is known by; like a dataset, unchanged and for all runs. */
export function modelPrefix(modelId: string): string {
  return `${modelsPrefix}${modelId}/`;
}

export function modelManifestKey(modelId: string): string {
  return `${modelPrefix(modelId)}manifest.json`;
}

export const modelsPrefix = 'models/';
export const modelNamesPrefix = 'model-names/';

/** @throws BerthError `USAGE` for a name that no model can have */
export function modelNameKey(name: string): string {
  if (!runNamePattern.test(name))
    throw new BerthError(
      'USAGE',
      `"${name}" cannot be the name of a model: use lower-case letters, digits and hyphens`,
    );
  return `${modelNamesPrefix}${name}.json`;
}

/** Where copies of all run records lie. */
export const runRecordsPrefix = 'run-records/';

/** Where the copy of a run's record lies. */
export function runRecordKey(runId: string): string {
  return `${runRecordsPrefix}${runId}.json`;
}

/** Whether a key is that of an object right in a folder. */
export function isRightIn(folder: string, key: string): boolean {
  const name = key.slice(folder.length);
  return key.startsWith(folder) && !name.includes('/') && !['', '.', '..'].includes(name);
}
