import {
  exampleSetsOf,
  isFinal,
  pruneKinds,
  type ObjectInfo,
  type PruneKind,
  type RunRecord,
} from '@berth/contracts';
import { datasetPrefixOf, isBetween } from '@berth/data';

/** What the bucket holds, and who may need it. */
export interface PruneState {
  /** All below `prunedPrefixes`. */
  readonly objects: readonly ObjectInfo[];
  /** Of all runs, in Redis and in the bucket. */
  readonly records: readonly RunRecord[];
  /** Runs whose records cannot be read: they may need anything. */
  readonly unreadable: readonly string[];
  /** Datasets that checkpoints name, by id. */
  readonly checkpointDatasets: ReadonlySet<string>;
  /** Example sets that checkpoints name. */
  readonly checkpointSets: ReadonlySet<string>;
  /** Datasets that another program has put into the bucket and no run has used yet, by id. */
  readonly foreign: ReadonlySet<string>;
  /** Example sets that hold the rows of labelled datasets, by the id of the dataset. */
  readonly labelledSets: ReadonlyMap<string, string>;
  readonly nowMs: number;
  /** Nothing goes of which anything was written later than so long ago. */
  readonly minAgeMs: number;
}

/** Objects that go together, or not at all. */
export interface PruneGroup {
  readonly kind: PruneKind;
  /** Of a dataset or an example set its id. */
  readonly name: string;
  /** In the order in which they go: what makes the others count first. */
  readonly objects: readonly ObjectInfo[];
}

export interface PruneDecision {
  readonly groups: readonly PruneGroup[];
  /** Why nothing goes, by the runs that are in the way; empty when none is. */
  readonly waitsFor: readonly string[];
}

/** Folders of what runs leave behind that is not theirs alone. */
export const prunedPrefixes = [
  'plans/',
  'preparations/',
  'vocabularies/',
  'datasets/',
  'examples/',
];

/**
 * What of the bucket nobody needs. A run whose data is being made may come to need any of it, so while there is one, nothing goes.
 * What a record or a checkpoint names stays, also what a run had before it forgot documents: `berth forget` deletes that.
 */
export function decidePrune(state: PruneState): PruneDecision {
  const { records, nowMs, minAgeMs } = state;
  const waitsFor = runsInTheWay(state);
  if (waitsFor.length > 0) return { groups: [], waitsFor };
  const neededDatasets = new Set([
    ...state.checkpointDatasets,
    ...state.foreign,
    ...records.flatMap(datasetsOf),
  ]);
  const neededSets = new Set([...state.checkpointSets, ...records.flatMap(setsOf)]);
  const groups = new Map<string, PruneGroup & { readonly objects: ObjectInfo[] }>();
  const sealed = new Set(state.objects.flatMap(({ key }) => datasetIdOfManifest(key) ?? []));
  for (const object of state.objects) {
    const found = placeOf(object.key, sealed, neededDatasets);
    if (found === undefined || (found.kind === 'examples' && neededSets.has(found.name))) continue;
    const id = `${found.kind}/${found.name}`;
    const group = groups.get(id);
    if (group === undefined) groups.set(id, { ...found, objects: [object] });
    else group.objects.push(object);
  }
  const old = [...groups.values()].filter(({ objects }) =>
    objects.every(({ lastModifiedMs }) => lastModifiedMs < nowMs - minAgeMs),
  );
  const going = new Set(old.flatMap(({ kind, name }) => (kind === 'datasets' ? name : [])));
  const rows = new Set(
    [...state.labelledSets].flatMap(([datasetId, set]) => (going.has(datasetId) ? [] : set)),
  );
  return {
    groups: old
      .filter(({ kind, name }) => kind !== 'examples' || !rows.has(name))
      .map((group) => ({
        ...group,
        objects: group.objects.toSorted((a, b) => rankOf(a.key) - rankOf(b.key)),
      }))
      .sort((a, b) => pruneKinds.indexOf(a.kind) - pruneKinds.indexOf(b.kind)),
    waitsFor: [],
  };
}

/** Whether what was to go may go still, as the records are now. */
export function mayStillGo(
  { kind, name }: PruneGroup,
  now: Pick<PruneState, 'records' | 'unreadable'>,
): boolean {
  if (runsInTheWay(now).length > 0) return false;
  if (kind === 'examples') return !now.records.flatMap(setsOf).includes(name);
  return kind === 'leftovers' || !now.records.flatMap(datasetsOf).includes(name);
}

function runsInTheWay({
  records,
  unreadable,
}: Pick<PruneState, 'records' | 'unreadable'>): string[] {
  const making = records.filter(isMakingData).map(({ runId }) => runId);
  return [...new Set([...unreadable, ...making])].sort();
}

/** Whether jobs for its data may be under way. One that waits for its turn looks what is there when it has that. */
function isMakingData({ status, manifestKey, requests }: RunRecord): boolean {
  if (isFinal(status) || status === 'queued') return false;
  return manifestKey === null || requests.submission !== null;
}

/** Datasets that a run has, or had before it forgot documents. */
function datasetsOf({ manifestKey, forgotten = [] }: RunRecord): string[] {
  const keys = [manifestKey, ...forgotten.flatMap((one) => [one.before, one.manifestKey])];
  return keys.flatMap((key) => (key === null ? [] : (datasetIdOfManifest(key) ?? [])));
}

function setsOf(record: RunRecord): string[] {
  const before = (record.forgotten ?? []).flatMap((one) => one.exampleSetIdsBefore);
  return [...exampleSetsOf(record), ...before];
}

function datasetIdOfManifest(key: string): string | undefined {
  return datasetPrefixOf(key)?.split('/')[1];
}

/** To what an object belongs that may go; undefined for one that stays. */
function placeOf(
  key: string,
  sealed: ReadonlySet<string>,
  needed: ReadonlySet<string>,
): { readonly kind: PruneKind; readonly name: string } | undefined {
  const [, folder, name = ''] = /^([a-z]+)\/([^/]+)/.exec(key) ?? [];
  switch (folder) {
    case 'plans':
      return isId(name) ? { kind: 'plans', name } : undefined;
    case 'preparations':
      return isId(name.replace(/\.json$/, '')) ? { kind: 'preparations', name } : undefined;
    case 'vocabularies':
      return /^(given|made)-[0-9a-f]{64}/.test(name) ? { kind: 'vocabularies', name } : undefined;
    case 'examples':
      return isId(name) ? { kind: 'examples', name } : undefined;
    case 'datasets':
      if (!isId(name)) return undefined;
      if (!sealed.has(name)) return { kind: 'unfinished', name };
      if (!needed.has(name)) return { kind: 'datasets', name };
      return isBetween(key) ? { kind: 'leftovers', name } : undefined;
    default:
      return undefined;
  }
}

function isId(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** Without its manifest there is no dataset; without its recipe or plan nobody goes on with one. */
function rankOf(key: string): number {
  if (key.endsWith('/manifest.json')) return 0;
  return /\/(recipe|plan)\.json$/.test(key) ? 1 : 2;
}
