/** Where checkpoints lay before their keys named attempt and epoch. They are found and read, never written nor deleted. */
export function oldCheckpointsPrefix(runId: string): string {
  return `runs/${runId}/checkpoints/`;
}

export function oldLedgerPrefix(runId: string): string {
  return `runs/${runId}/ledger/`;
}

/** Where the ledgers of branches lie, and the manifests of branches made in the old layout. */
export function branchesPrefix(runId: string): string {
  return `runs/${runId}/abandoned/`;
}

/** The step of a manifest in the old layout, and the attempt if that was left behind; `undefined` for any other key. */
export function oldManifestOfKey(
  runId: string,
  key: string,
): { readonly attempt: number | undefined; readonly step: number } | undefined {
  const prefix = `runs/${runId}/`;
  const match = key.startsWith(prefix)
    ? /^(?:checkpoints|abandoned\/attempt-(\d+))\/step-(\d{9})\/manifest\.json$/.exec(
        key.slice(prefix.length),
      )
    : null;
  if (match === null) return undefined;
  const [, attempt, step] = match;
  return { attempt: attempt === undefined ? undefined : Number(attempt), step: Number(step) };
}
