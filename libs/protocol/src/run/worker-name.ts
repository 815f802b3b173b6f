/** A worker's name stays when its process, and with it the end of its member id, is a new one. */
export function workerOf(memberId: string): string {
  return memberId.replace(/-[0-9a-f]{6}$/, '');
}

/** Who works together, whichever processes do it for them: names in order. */
export function workersOf(members: readonly { readonly memberId: string }[]): string {
  return members
    .map(({ memberId }) => workerOf(memberId))
    .sort()
    .join(', ');
}
