import { findNewestValid, createS3ObjectStore } from '@berth/checkpoint';
import { silentLogger, type ParameterSpec, type Services } from '@berth/contracts';

/** What restoring a checkpoint costs a worker. */
export interface WorkerReport {
  readonly step: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Of JavaScript's heap, above what it was before. */
  readonly heapPeakMb: number;
}

const [, , setting = '{}'] = process.argv;
const { s3, runId, layout } = JSON.parse(setting) as Pick<Services, 's3'> & {
  readonly runId: string;
  readonly layout: readonly ParameterSpec[];
};
const store = createS3ObjectStore(s3, silentLogger);
await store.list(`runs/${runId}/`); // The first call loads much of the SDK.
const heapUsed = (): number => process.memoryUsage().heapUsed;
const before = heapUsed();
let peak = before;
const sampling = setInterval(() => (peak = Math.max(peak, heapUsed())), 1);
const [startMs, startCpu] = [performance.now(), process.cpuUsage()];
const found = await findNewestValid(store, runId, { layout, logger: silentLogger });
peak = Math.max(peak, heapUsed());
clearInterval(sampling);
const { user, system } = process.cpuUsage(startCpu);
const report: WorkerReport = {
  step: found?.manifest.step ?? 0,
  seconds: (performance.now() - startMs) / 1e3,
  cpuSeconds: (user + system) / 1e6,
  heapPeakMb: (peak - before) / 2 ** 20,
};
console.log(JSON.stringify(report));
store.close();
