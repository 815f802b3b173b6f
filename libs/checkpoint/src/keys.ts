/**
 * One line of a run's history. Everything that is written for a checkpoint lies under its attempt and bears its fencing
 * epoch, so that no two lines share a key: what arrives late of one cannot touch another.
 */
export interface Line {
  readonly runId: string;
  readonly attempt: number;
  readonly fencingEpoch: number;
}

/** Whose an object of a checkpoint is. */
export interface ObjectPlace extends Line {
  readonly step: number;
  readonly isManifest: boolean;
}

/** Where all checkpoints of a run lie, attempt by attempt. */
export function attemptsPrefix(runId: string): string {
  return `runs/${runId}/attempts/`;
}

export function manifestKey(line: Line, step: number): string {
  return `${objectPrefix(line, step)}manifest.json`;
}

/** The name holds the content's digest: equal states give equal keys, so that writing again changes nothing. */
export function shardKey(
  line: Line,
  step: number,
  shard: { readonly kind: string; readonly index: number; readonly sha256: string },
): string {
  const { kind, index, sha256 } = shard;
  return `${objectPrefix(line, step)}${kind}-${index}-${sha256.slice(0, 16)}.safetensors`;
}

/** A segment lies with the checkpoint that it was written for; those after it name it too. */
export function ledgerSegmentKey(
  line: Line,
  step: number,
  segment: { readonly fromStep: number; readonly toStep: number; readonly sha256: string },
): string {
  const { fromStep, toStep, sha256 } = segment;
  const steps = `${padStep(fromStep)}-${padStep(toStep)}`;
  return `${objectPrefix(line, step)}ledger-${steps}-${sha256.slice(0, 16)}.jsonl`;
}

/** Where an object of a checkpoint lies; `undefined` for any other key. */
export function placeOfKey(runId: string, key: string): ObjectPlace | undefined {
  const prefix = attemptsPrefix(runId);
  const match = key.startsWith(prefix)
    ? /^(\d+)\/checkpoints\/step-(\d{9})\/(\d{15})\.(.+)$/.exec(key.slice(prefix.length))
    : null;
  if (match === null) return undefined;
  const [, attempt, step, fencingEpoch, name] = match;
  return {
    runId,
    attempt: Number(attempt),
    step: Number(step),
    fencingEpoch: Number(fencingEpoch),
    isManifest: name === 'manifest.json',
  };
}

/** Whether a key names an object of a run, and nothing that a path leads out of its folder by. */
export function isInsideRun(runId: string, key: string): boolean {
  const prefix = `runs/${runId}/`;
  const names = key.slice(prefix.length).split('/');
  return key.startsWith(prefix) && !names.some((name) => ['', '.', '..'].includes(name));
}

/** Numbers are padded so that keys sort like them. */
function padStep(step: number): string {
  return String(step).padStart(9, '0');
}

function objectPrefix({ runId, attempt, fencingEpoch }: Line, step: number): string {
  const folder = `${attemptsPrefix(runId)}${attempt}/checkpoints/step-${padStep(step)}/`;
  return `${folder}${String(fencingEpoch).padStart(15, '0')}.`;
}
