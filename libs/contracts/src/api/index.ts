export * from './controls.ts';
export * from './events.ts';
export * from './history.ts';
export * from './logs.ts';
export * from './reports.ts';
