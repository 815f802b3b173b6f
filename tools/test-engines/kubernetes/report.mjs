import { seconds, table } from '../../test-compose/report.mjs';

/**
 * Prints what came out.
 * @param {{ rows: readonly import('./observe.mjs').Row[], bad: readonly import('./bad-jobs.mjs').BadRow[],
 *   everything: { numTaken: number, numMade: number }, numSteps: number, ledger: object, calm: string }} outcome
 * @returns {readonly string[]} what is not as it must be
 */
export function report({ rows, everything, bad, numSteps, ledger, calm }) {
  const isEqual = ledger.weightsDigest !== null && ledger.weightsDigest === calm;
  const right = (problems) => (problems.length === 0 ? 'right' : 'WRONG');
  const events = rows.map(({ event, fromStep, pauseMs, codes, status, problems }) => [
    event,
    String(fromStep),
    pauseMs === undefined ? '-' : seconds(pauseMs),
    codes.join(', ') || '-',
    status,
    right(problems),
  ]);
  const head = ['event', 'at step', 'longest pause', 'exit codes', 'Job', 'as it must be'];
  console.log(table([head, ...events]));
  console.log();
  const badRows = bad.map(({ what, status, problems }) => [what, status, right(problems)]);
  console.log(table([['what is wrong', 'Job', 'as it must be'], ...badRows]));
  for (const { what, seen } of bad) console.log(`  ${what}: ${seen}`);
  console.log();
  const { numTaken, numMade } = everything;
  console.log(
    `manifests    ${numTaken} of ${numMade} taken by the API server, none with a warning`,
  );
  console.log(`Kubernetes   ${ledger.weightsDigest} after ${ledger.numSteps} steps`);
  console.log(`undisturbed  ${calm}`);
  console.log(`ledger       ${ledger.ok ? 'every example exactly once' : ledger.problems[0]}`);
  return [
    ...rows.flatMap(({ problems }) => problems),
    ...bad.flatMap(({ problems }) => problems),
    ...(numTaken === numMade ? [] : [`the API server took ${numTaken} of ${numMade} manifests`]),
    ...(ledger.ok ? [] : ledger.problems),
    ...(ledger.numSteps === numSteps ? [] : [`${ledger.numSteps} steps instead of ${numSteps}`]),
    ...(isEqual ? [] : ['the weights differ from those of the undisturbed run']),
  ];
}
