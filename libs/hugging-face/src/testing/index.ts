export { microWeightsAt, storeMicroCheckpoint, storeMicroDataset } from './micro-run.ts';
