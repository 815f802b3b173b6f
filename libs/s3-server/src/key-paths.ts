import { S3Error } from './errors.ts';

const maxKeyBytes = 1024;
const maxNameBytes = 255;

/**
 * The relative path an object key is stored at. Segments between slashes become folders under their own names, so that
 * ordinary keys look like ordinary files; other bytes, and a leading dot, are percent-encoded, and an empty segment is `%`.
 * One-to-one: `decodeKeyPath` undoes it.
 * @throws S3Error `KeyTooLongError`
 */
export function encodeKeyPath(key: string): string {
  if (Buffer.byteLength(key) > maxKeyBytes) throw tooLong(`${maxKeyBytes} bytes`);
  return key.split('/').map(encodeSegment).join('/');
}

/** The key stored at a relative path; `undefined` for a path that `encodeKeyPath` never makes. */
export function decodeKeyPath(path: string): string | undefined {
  try {
    const key = path
      .split('/')
      .map((segment) => (segment === '%' ? '' : decodeURIComponent(segment)))
      .join('/');
    return encodeKeyPath(key) === path ? key : undefined;
  } catch {
    return undefined;
  }
}

function encodeSegment(segment: string): string {
  if (segment === '') return '%';
  const name = encodeURIComponent(segment)
    .replace(/%(20|2B|2C|3D|40)/g, decodeURIComponent)
    .replace(/[!'()*]/g, percentEncode)
    .replace(/^\./, percentEncode);
  if (name.length > maxNameBytes) throw tooLong(`${maxNameBytes} bytes between two slashes`);
  return name;
}

function percentEncode(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
}

function tooLong(limit: string): S3Error {
  return new S3Error('KeyTooLongError', `Your key is too long: the limit is ${limit}.`);
}
