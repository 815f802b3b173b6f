import { BerthError } from '@berth/contracts';
import { documentOfLine } from '../dataset/document-names.ts';
import { giveTurn, isTurnDue } from '../text/work.ts';

/** @throws BerthError `DATA_CORPUS_INVALID` naming the byte, when these are not the names of so many documents, each on a line */
export async function checkNames(
  bytes: Uint8Array,
  name: string,
  numDocuments: number,
): Promise<void> {
  const fail = (byte: number, what: string): never => {
    throw new BerthError('DATA_CORPUS_INVALID', `${name}, byte ${byte}: ${what}`);
  };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let numLines = 0;
  for (let start = 0; start < text.length; numLines++) {
    const found = text.indexOf(10, start);
    const end = found === -1 ? text.length : found;
    if (documentOfLine(text.toString('utf8', start, end)) === undefined)
      fail(start, `line ${numLines + 1} is neither a name nor [name, chunk, number]`);
    if (numLines === numDocuments) fail(start, `more lines than the ${numDocuments} documents`);
    start = end + 1;
    if (isTurnDue()) await giveTurn();
  }
  if (numLines < numDocuments) fail(text.length, `${numLines} lines for ${numDocuments} documents`);
}
