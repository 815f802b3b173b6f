/** Why a view is without a member, for a text that has named the member already. */
export function whyWithout(memberId: string, viewReason: string): string {
  const [, names = '', why = viewReason] = /^without ([^:]+): (.+)$/s.exec(viewReason) ?? [];
  if (names.split(', ').includes(memberId)) return why;
  return viewReason.split(', ').includes(`lost ${memberId}`)
    ? 'its heartbeats stopped'
    : viewReason;
}
