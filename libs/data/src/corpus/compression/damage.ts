/** What is wrong with compressed bytes, and what to do about it, without where they lie. */
export class Unreadable extends Error {}

/**
 * @param what - what is wrong, as a clause
 * @param byte - of the file, behind which it shows; the same however the file is read
 */
export function damaged(what: string, byte?: number): Unreadable {
  const where = byte === undefined ? '' : `, which shows after byte ${byte} of the file`;
  return new Unreadable(`is damaged: ${what}${where}: replace it with an intact copy`);
}

/** What happens to compressed bytes. */
export const damages = {
  checksum: 'the checksum of its content does not match',
  length: 'its content is not as long as it says',
  end: 'it ends too early',
  data: 'its compressed bytes make no sense',
} as const;

/** For bytes that lack the mark that the format, or what is appended to a file of it, begins with. */
export function foreign(format: string, isBegun: boolean, byte?: number): Unreadable {
  return isBegun
    ? damaged(`what follows on its first part is not ${format}`, byte)
    : new Unreadable(`is not ${format}: give it the ending of what it is, or replace it with an intact copy`);
}
