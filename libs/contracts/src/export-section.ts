import { z } from 'zod';
import { path } from './limits.ts';

/** What a Hugging Face folder can be made for besides transformers. */
export const folderLayouts = ['transformers', 'sentence-transformers'] as const;
export const folderLayoutSchema = z.enum(folderLayouts);
export type FolderLayout = z.output<typeof folderLayoutSchema>;

/** The `export` section of a run config: where its model goes once it has been trained. */
export const exportSectionSchema = z
  .strictObject({
    to: path
      .describe(
        'Folder, on the machine of the coordinator, or s3://BUCKET/PREFIX; relative to this file',
      )
      .meta({ decides: 'nothing' }),
    for: folderLayoutSchema
      .default('transformers')
      .describe('Also what this library reads')
      .meta({ decides: 'nothing' }),
  })
  .describe('Where the model goes once it is trained, as berth export writes it');

export type ExportSection = z.output<typeof exportSectionSchema>;
