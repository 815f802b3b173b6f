import { S3Error } from './errors.ts';

/**
 * The bytes a Range header asks for (RFC 9110 section 14.1.2), cut to the object. Several ranges, or another unit, are
 * ignored, as the RFC allows.
 * @throws S3Error `InvalidRange` when no byte of the object is in it
 */
export function parseByteRange(
  header: string | undefined,
  sizeBytes: number,
): { first: number; length: number } | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const [, from = '', to = ''] = match;
  const first = from === '' ? Math.max(0, sizeBytes - Number(to)) : Number(from);
  const last = from === '' || to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  if (from !== '' && to !== '' && Number(to) < first) return undefined;
  if (first > last) {
    throw new S3Error('InvalidRange', `The range ${header} lies outside ${sizeBytes} bytes.`);
  }
  return { first, length: last - first + 1 };
}
