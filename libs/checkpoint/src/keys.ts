/** Where the checkpoints of a run lie. Steps are padded so that keys sort like numbers. */
export function checkpointsPrefix(runId: string): string {
  return `runs/${runId}/checkpoints/`;
}

export function stepPrefix(runId: string, step: number): string {
  return `${checkpointsPrefix(runId)}step-${pad(step)}/`;
}

export function manifestKey(runId: string, step: number): string {
  return `${stepPrefix(runId, step)}manifest.json`;
}

/** The name holds the content's digest: equal states give equal keys, so that writing again changes nothing. */
export function shardKey(
  runId: string,
  step: number,
  shard: { readonly kind: string; readonly index: number; readonly sha256: string },
): string {
  const { kind, index, sha256 } = shard;
  return `${stepPrefix(runId, step)}${kind}-${index}-${sha256.slice(0, 16)}.safetensors`;
}

export function ledgerPrefix(runId: string): string {
  return `runs/${runId}/ledger/`;
}

/** Ledger segments are shared by the checkpoints after them, so they lie beside, not inside, a checkpoint. */
export function ledgerSegmentKey(
  runId: string,
  segment: { readonly fromStep: number; readonly toStep: number; readonly sha256: string },
): string {
  const { fromStep, toStep, sha256 } = segment;
  return `${ledgerPrefix(runId)}${pad(fromStep)}-${pad(toStep)}-${sha256.slice(0, 16)}.jsonl`;
}

export function branchesPrefix(runId: string): string {
  return `runs/${runId}/abandoned/`;
}

/** What a resume from an older checkpoint left behind of an attempt: no longer found as checkpoints of the run. */
export function branchPrefix(runId: string, attempt: number): string {
  return `${branchesPrefix(runId)}attempt-${attempt}/`;
}

export function abandonedManifestKey(runId: string, attempt: number, step: number): string {
  return `${branchPrefix(runId, attempt)}step-${pad(step)}/manifest.json`;
}

/** Attempt and step of an abandoned manifest; `undefined` for any other key. */
export function abandonedOfKey(
  runId: string,
  key: string,
): { readonly attempt: number; readonly step: number } | undefined {
  const prefix = branchesPrefix(runId);
  const match = key.startsWith(prefix)
    ? /^attempt-(\d+)\/step-(\d{9})\/manifest\.json$/.exec(key.slice(prefix.length))
    : null;
  return match ? { attempt: Number(match[1]), step: Number(match[2]) } : undefined;
}

/** The step of an object in a run's checkpoints; `undefined` for any other key. */
export function stepOfKey(runId: string, key: string): number | undefined {
  const prefix = checkpointsPrefix(runId);
  const match = key.startsWith(prefix) ? /^step-(\d{9})\//.exec(key.slice(prefix.length)) : null;
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

function pad(step: number): string {
  return String(step).padStart(9, '0');
}
