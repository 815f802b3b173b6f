import {
  expandGrid,
  parseRunConfig,
  withStoredModel,
  type GridValues,
  type InitialModel,
  type RunConfig,
} from '@berth/contracts';
import { withSetting, type RunFile } from './run-file.ts';

/** A run file that states a grid. */
export interface LoadedGrid {
  readonly name: string;
  /** What is submitted: as it was written, with what it leaves out of the model that its runs begin with. */
  readonly written: Readonly<Record<string, unknown>>;
  /** Its runs, checked. */
  readonly points: readonly { readonly config: RunConfig; readonly values: GridValues }[];
  /** `vocabulary.size` as the file states it, before defaults. */
  readonly statedVocabSize: number | undefined;
}

/**
 * The grid that a run file states; undefined for one that states a run.
 * @param model - that its runs begin with
 * @param numWorkers - instead of those that the file says
 * @throws BerthError `CONFIG_INVALID` or `CONFIG_UNKNOWN_KEY`, naming the override where it is at fault
 */
export function gridOf(
  { input, sourceOf }: RunFile,
  {
    model,
    numWorkers,
  }: { readonly model?: InitialModel | undefined; readonly numWorkers?: number | undefined },
): LoadedGrid | undefined {
  const sized =
    numWorkers === undefined ? input : withSetting(input, ['cluster', 'numWorkers'], numWorkers);
  const written = (
    model === undefined ? sized : withStoredModel(sized, model, sourceOf)
  ) as LoadedGrid['written'];
  const expanded = expandGrid(written, sourceOf);
  if (expanded === undefined) return undefined;
  const stated = (input['vocabulary'] as { size?: number } | undefined)?.size;
  return {
    name: expanded[0]!.name,
    written,
    points: expanded.map((point) => ({
      config: parseRunConfig(
        model === undefined ? point.config : withStoredModel(point.config, model, point.sourceOf),
        point.sourceOf,
      ),
      values: point.values,
    })),
    statedVocabSize: stated,
  };
}
