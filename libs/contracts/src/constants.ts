/** What pages in a browser share with the rest, without the schemas: those would bring their library along. */
export { skewText } from './clock-skew.ts';
export * from './corpus-parts.ts';
export type { GridCombination, GridPointReport, GridReport } from './grid/grid-report.ts';
export { gridReport } from './grid/report-grid.ts';
export * from './metric-names.ts';
export * from './network/describe-network.ts';
export { plainEngine } from './plain-engine.ts';
export { stageTitles } from './preparation/describe-preparation.ts';
export * from './run-name.ts';
export * from './run-status.ts';
export * from './tasks/index.ts';
