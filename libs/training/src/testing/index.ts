export { madeUpCoordination } from './made-up-coordination.ts';
