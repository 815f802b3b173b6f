export * from './controls.ts';
export * from './cursor.ts';
export * from './events.ts';
export * from './history.ts';
export * from './logs.ts';
export * from './openapi.ts';
export * from './operations.ts';
export * from './reports.ts';
