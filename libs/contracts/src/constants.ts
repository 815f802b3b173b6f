/** What pages in a browser share with the rest, without the schemas: those would bring their library along. */
export * from './run-name.ts';
export * from './run-status.ts';
