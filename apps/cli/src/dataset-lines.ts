import type { DatasetReport } from '@berth/contracts';

/** A dataset's numbers and what is to be said of them, for people. */
export function datasetLines({ summary, findings }: DatasetReport): string {
  return [`data: ${summary}`, ...findings.map(({ severity, text }) => `${severity}: ${text}`)].join(
    '\n',
  );
}
