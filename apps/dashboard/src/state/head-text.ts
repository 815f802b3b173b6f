import type { RunStatusReport } from '@berth/contracts';
import type { Route } from '../router.ts';
import { isUnderWay, runLooks, type Tone } from './status.ts';

const fills: Readonly<Record<Tone, string>> = {
  accent: '#4355d8',
  good: '#0f7a4d',
  warn: '#b8770f',
  bad: '#c0282f',
  calm: '#626976',
};
/** The icon is drawn anew when this many per cent more are done. */
const iconStep = 5;

/** The title of a page: "76 % name - berth". */
export function titleOf(
  at: Route,
  report: RunStatusReport | undefined,
  all: readonly RunStatusReport[],
): string {
  if (report !== undefined) return `${stateOf(report)} ${report.run.config.name} - berth`;
  const numUnderWay = all.filter(({ run }) => isUnderWay(run.status)).length;
  if (at.page === 'grid') return `${at.name} - berth`;
  if (at.page === 'runs')
    return numUnderWay === 0 ? 'Runs - berth' : `${numUnderWay} under way - berth`;
  return at.page === 'queues' ? 'Queues - berth' : 'berth';
}

/** How far it is, or that it will go no further. */
function stateOf(report: RunStatusReport): string {
  const { status } = report.run;
  return isUnderWay(status) ? `${percentOf(report)} %` : runLooks[status].word;
}

/** The sign of the program, filled from below as far as the run is. */
export function headIcon(report: RunStatusReport): string {
  const fill = fills[runLooks[report.run.status].tone];
  const percent = Math.floor(percentOf(report) / iconStep) * iconStep;
  const height = (32 * percent) / 100;
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><clipPath id="c"><rect width="32" height="32" rx="8"/></clipPath>` +
    `<g clip-path="url(#c)"><rect width="32" height="32" fill="#2a2f3a"/><rect y="${32 - height}" width="32" height="${height}" fill="${fill}"/></g>` +
    `<path d="M10 7v12a5 5 0 0 0 5 5h2a5 5 0 0 0 0-10h-7" fill="none" stroke="#fff" stroke-width="3.2" stroke-linecap="round" stroke-linejoin="round"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

function percentOf({ step, numSteps }: RunStatusReport): number {
  return Math.floor((step / numSteps) * 100);
}
