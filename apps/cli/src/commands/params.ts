import { modelSectionSchema, resolveModelConfig, type ModelSize } from '@berth/contracts';
import { countParameters } from '@berth/model';
import type { Context } from '../context.ts';
import { formatTable } from '../format.ts';

/** `berth params`: where a model's parameters are. */
export function params(
  context: Context,
  size: ModelSize,
  options: { readonly vocabSize: number; readonly json: boolean },
): void {
  const config = resolveModelConfig(modelSectionSchema.parse({ size }), options.vocabSize);
  const counts = countParameters(config);
  if (options.json) context.print(JSON.stringify({ model: size, ...config, ...counts }));
  else context.print(formatTable(Object.entries(counts).map(([name, count]) => [name, count])));
}
