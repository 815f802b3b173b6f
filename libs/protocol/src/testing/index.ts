export { liveMember } from './live-member.ts';
export { RedisModel, type RestoreResult } from '../simulator/redis-model.ts';
export { cursorAt } from '../simulator/toy-model.ts';
export { runRecord } from './run-record.ts';
export { viewOf } from './run-snapshot.ts';
export { epochSize, factsOf, globalBatch, ledgerOf, storedOf, sums } from './steps.ts';
export { verifyLedger } from './verify-ledger.ts';
