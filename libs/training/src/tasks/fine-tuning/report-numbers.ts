import { baselineName, type FineTuningReport } from '@berth/contracts';

/** What of a report is a number with a name: metrics as far as they are defined, then what baselines reach. */
export function numbersOf({
  metrics,
  baselines,
}: Pick<FineTuningReport, 'metrics' | 'baselines'>): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const [name, value] of Object.entries(metrics)) if (value !== null) numbers[name] = value;
  for (const { name, metrics: reached } of baselines)
    for (const [metric, value] of Object.entries(reached))
      numbers[baselineName(metric, name)] = value;
  return numbers;
}
