export { liveMember } from './live-member.ts';
export { RedisModel, type RestoreResult } from '../simulator/redis-model.ts';
export { cursorAt } from '../simulator/toy-model.ts';
export { epochSize, factsOf, globalBatch, ledgerOf, storedOf, sums } from './steps.ts';
export { verifyLedger } from './verify-ledger.ts';
