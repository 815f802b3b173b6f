import { plainEngine, type LedgerEntry } from '@berth/contracts';

/** Steps [fromStep, toStep) that members of the same engines computed. */
export interface EngineSpan {
  readonly fromStep: number;
  readonly toStep: number;
  readonly engines: readonly string[];
}

/** Adds what entries say to the spans of those before them. */
export function addEngines(spans: EngineSpan[], entries: readonly LedgerEntry[]): void {
  for (const { step, engines = [plainEngine] } of entries) {
    const last = spans.at(-1);
    const isSame = last?.toStep === step && last.engines.join() === engines.join();
    const fromStep = isSame ? last.fromStep : step;
    spans.splice(isSame ? -1 : spans.length, 1, { fromStep, toStep: step + 1, engines });
  }
}
