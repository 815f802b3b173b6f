import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { encodeSafetensorsHeader } from '@berth/checkpoint';
import { huggingFaceName } from '@berth/model';
import { parametersOf, type ModelSource } from '../model-source.ts';
import { transpose } from '../transpose.ts';

/** A written file. */
export interface WrittenFile {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/**
 * Writes a model's weights as one safetensors file with the names and shapes of transformers, one parameter in memory at a time.
 * The decoder, which is tied to the word table, is not written twice. Equal weights give equal bytes.
 * @throws BerthError `CHECKPOINT_CORRUPT` when the weights are not those that the source should have
 */
export async function writeWeights(source: ModelSource, path: string): Promise<WrittenFile> {
  const named = source.layout
    .filter(({ name }) => !source.missing.has(name))
    .map(({ name, shape }) => {
      const { name: theirs, transposed } = huggingFaceName(name);
      return {
        name: theirs,
        dtype: 'F32' as const,
        shape: transposed ? shape.toReversed() : shape,
      };
    });
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const file = await open(path, 'wx');
  try {
    const write = async (bytes: Uint8Array): Promise<void> => {
      hash.update(bytes);
      await file.writeFile(bytes);
      sizeBytes += bytes.byteLength;
    };
    await write(encodeSafetensorsHeader(named));
    for await (const [{ name, shape }, values] of parametersOf(source)) {
      const theirs = huggingFaceName(name).transposed ? transpose(values, shape) : values;
      await write(new Uint8Array(theirs.buffer, theirs.byteOffset, theirs.byteLength));
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}
