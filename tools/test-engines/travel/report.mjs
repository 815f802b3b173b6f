import { seconds, table } from '../../test-compose/report.mjs';

/** What a move, and what an engine does to its workers, may take. */
const maxPauseMs = 10_000;

/**
 * Prints what came out.
 * @returns {readonly string[]} what is not as it must be
 */
export function report({ rows, numSteps, ledger, calm, leftOut }) {
  const isEqual = ledger.weightsDigest !== null && ledger.weightsDigest === calm;
  const lines = rows.map(({ engine, pauseMs, events, left }) => [
    engine,
    stepsOf(engine, ledger.engines),
    events.join('; ') || '-',
    left,
    seconds(pauseMs),
    isEqual ? 'equal' : 'NOT EQUAL',
  ]);
  const without = leftOut.map(({ engine, why }) => [
    engine,
    '-',
    `left out: ${why}`,
    '-',
    '-',
    '-',
  ]);
  const head = [
    'engine',
    'steps',
    'what it did',
    'how workers ended',
    'longest standstill',
    'sha256',
  ];
  console.log(table([head, ...without, ...lines]));
  console.log(`travelled    ${ledger.weightsDigest} after ${ledger.numSteps} steps`);
  console.log(`undisturbed  ${calm}`);
  console.log(`ledger       ${ledger.ok ? 'every example exactly once' : ledger.problems[0]}`);
  return [
    ...rows
      .filter(({ pauseMs }) => pauseMs > maxPauseMs)
      .map(({ engine, pauseMs }) => `${engine}: no step for ${seconds(pauseMs)}`),
    ...(ledger.ok ? [] : ledger.problems),
    ...(ledger.numSteps === numSteps ? [] : [`${ledger.numSteps} steps instead of ${numSteps}`]),
    ...wrongEngines(
      rows.map(({ engine }) => engine),
      ledger.engines,
    ),
    ...(isEqual ? [] : ['the weights differ from those of the undisturbed run']),
  ];
}

/** Pure. The steps that workers of an engine took part in, counted from 1. */
export function stepsOf(engine, spans) {
  const own = spans.filter(({ engines }) => engines.includes(engine));
  return own.length === 0 ? 'none' : `${own[0].fromStep + 1}-${own.at(-1).toStep}`;
}

/**
 * Pure. One engine comes after the other; between two of them are steps that both computed, or none.
 * @param {readonly string[]} expected
 * @param {readonly { engines: readonly string[] }[]} spans - as the ledger has them
 * @returns {readonly string[]} what is wrong
 */
export function wrongEngines(expected, spans) {
  const alone = spans
    .filter(({ engines }) => engines.length === 1)
    .flatMap(({ engines }) => engines);
  const seen = alone.filter((engine, index) => engine !== alone[index - 1]);
  const isNext = ({ engines }) =>
    engines.length === 1 ||
    expected.some(
      (engine, index) =>
        index > 0 && [expected[index - 1], engine].sort().join() === engines.join(),
    );
  return seen.join() === expected.join() && spans.every(isNext)
    ? []
    : [
        `the ledger names ${spans.map(({ engines }) => engines.join('+')).join(', ')} instead of ${expected.join(', ')}`,
      ];
}
