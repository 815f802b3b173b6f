// V8 copies shorter strings and makes longer ones a reference into the text they were cut from.
const minSlicedLength = 13;

/** The same word, no longer keeping alive the text it was cut from. */
export function detach(word: string): string {
  return word.length < minSlicedLength ? word : Buffer.from(word, 'utf16le').toString('utf16le');
}
