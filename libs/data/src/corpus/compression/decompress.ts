import type { CorpusPiece } from '@berth/contracts';
import { InvalidText } from '../reading.ts';
import { damaged, damages, Unreadable } from './damage.ts';
import { unzip } from './unzip.ts';

/**
 * The content of a compressed file, of all its members.
 * @throws BerthError DATA_CORPUS_INVALID when it is damaged, and what reading the blocks throws
 */
export async function* decompress(
  blocks: AsyncIterable<Buffer>,
  piece: CorpusPiece,
): AsyncGenerator<Buffer> {
  let failure: { readonly error: unknown } | undefined;
  async function* watched(): AsyncGenerator<Buffer> {
    try {
      yield* blocks;
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  const { compression } = piece;
  try {
    if (compression === 'none') yield* blocks;
    else
      for await (const block of unzip[compression](watched()))
        yield Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  } catch (error) {
    if (failure !== undefined) throw failure.error;
    throw new InvalidText(piece, (error instanceof Unreadable ? error : damaged(damages.data)).message);
  }
}
