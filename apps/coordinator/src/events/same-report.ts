/** What changes from look to look and is no news by itself. */
const ages: ReadonlySet<string> = new Set([
  'heartbeatAgeMs',
  'nowMs',
  'residentBytes',
  'etaMs',
  'elapsedMs',
  'detail',
]);

/** Whether two looks at the same thing show the same, ages aside. */
export function isSameReport(before: unknown, after: unknown): boolean {
  return textOf(before) === textOf(after);
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => (ages.has(key) ? undefined : inner));
}
