/** Bytes at the beginning of a text that tell its encoding. */
export const sampleBytes = 1 << 16;

const zeroBytes =
  'has zero bytes: if it is UTF-16, set corpus.encoding to utf-16le or utf-16be, otherwise leave the file out';

/** What the first bytes of a text say of its encoding. */
export type DetectedEncoding =
  | { readonly encoding: string }
  /** Certainly not text that can be read here; says what to do. */
  | { readonly advice: string };

/** What files that are no text begin with, and what to do about them. Those that could begin a text are so only where bytes follow that could not. */
const signatures: readonly (readonly [start: string, what: string, remedy: string])[] = [
  ['\x1f\x8b', 'gzip', 'add .gz to its name'],
  ['\x28\xb5\x2f\xfd', 'zstd', 'add .zst to its name'],
  ['\xfd7zXZ\0', 'xz', 'add .xz to its name'],
  ['BZh', 'bzip2', 'add .bz2 to its name'],
  ['PAR1', 'parquet', 'name it .parquet'],
  ['PK\x03\x04', 'a .zip (or .docx, .xlsx, .epub)', 'put the text that is in it there'],
  ['%PDF-', 'a PDF', 'put its text there (pdftotext)'],
];

function signatureOf(sample: Uint8Array): DetectedEncoding | undefined {
  const start = Buffer.from(sample.subarray(0, 8)).toString('latin1');
  const found = signatures.find(([mark]) => start.startsWith(mark));
  if (found === undefined || isTextIn('utf-8', sample)) return undefined;
  const [, what, remedy] = found;
  return { advice: `is ${what}, no text: ${remedy}, or leave it out` };
}

const marks: readonly (readonly [readonly number[], DetectedEncoding])[] = [
  [[0xff, 0xfe, 0, 0], { advice: 'is UTF-32: convert it with iconv -f utf-32le -t utf-8' }],
  [[0, 0, 0xfe, 0xff], { advice: 'is UTF-32: convert it with iconv -f utf-32be -t utf-8' }],
  [[0xff, 0xfe], { encoding: 'utf-16le' }],
  [[0xfe, 0xff], { encoding: 'utf-16be' }],
  [[0xef, 0xbb, 0xbf], { encoding: 'utf-8' }],
];

/**
 * Tells the encoding where the bytes leave no doubt: by a byte order mark, or by the zero bytes of UTF-16. What has
 * neither is taken for UTF-8, which a reader then verifies.
 */
export function detectEncoding(sample: Uint8Array): DetectedEncoding {
  const marked = marks.find(([mark]) => mark.every((byte, index) => sample[index] === byte));
  if (marked !== undefined) return marked[1];
  const signature = signatureOf(sample);
  if (signature !== undefined) return signature;
  const numUnits = sample.length >> 1;
  let [even, odd] = [0, 0];
  for (let i = 0; i < 2 * numUnits; i += 2) {
    if (sample[i] === 0) even += 1;
    if (sample[i + 1] === 0) odd += 1;
  }
  // Spaces and line ends alone give UTF-16 text of any script some zeros, all on one side.
  const few = numUnits / 100;
  if (odd > few && even === 0 && isTextIn('utf-16le', sample)) return { encoding: 'utf-16le' };
  if (even > few && odd === 0 && isTextIn('utf-16be', sample)) return { encoding: 'utf-16be' };
  if (even + odd > few) return { advice: zeroBytes };
  return { encoding: 'utf-8' };
}

/**
 * Whether a text lies there in UTF-8, as far as its beginning and the setting tell.
 * @param encoding - a label of the WHATWG Encoding Standard, or `auto`
 */
export async function isStoredInUtf8(
  bytes: { read(start: number, end: number): Promise<Uint8Array> },
  sizeBytes: number,
  encoding: string,
): Promise<boolean> {
  if (encoding !== 'auto') return new TextDecoder(encoding).encoding === 'utf-8';
  const detected = detectEncoding(await bytes.read(0, Math.min(sampleBytes, sizeBytes)));
  return 'encoding' in detected && detected.encoding === 'utf-8';
}

/**
 * What to do about bytes that are not UTF-8. Other encodings cannot be told apart with certainty, so this is advice to
 * a person. Letters with accents mostly stand alone among others; the letters of other scripts do not.
 * @param bytes - from the first offending line on
 */
export function adviceFor(bytes: Uint8Array): string {
  const isHigh = (index: number): boolean => (bytes[index] ?? 0) >= 0x80;
  if (bytes.includes(0)) return zeroBytes;
  let numHigh = 0;
  let numRuns = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (!isHigh(i)) continue;
    numHigh += 1;
    if (!isHigh(i - 1)) numRuns += 1;
  }
  const say = (encoding: string): string =>
    `set corpus.encoding: ${encoding}, or convert the file with iconv -f ${encoding} -t utf-8`;
  if (numHigh < 1.8 * numRuns && isTextIn('windows-1252', bytes))
    return `it looks like Windows-1252: ${say('windows-1252')}`;
  const possible = ['gb18030', 'shift_jis', 'euc-kr', 'big5', 'windows-1251', 'koi8-r'].filter(
    (encoding) => isTextIn(encoding, bytes),
  );
  const perhaps = possible.length > 0 ? ` (perhaps ${possible.join(', ')})` : '';
  return `set corpus.encoding to what it is${perhaps}, or convert the file with iconv -f ENCODING -t utf-8`;
}

/** Turns the bytes of a text into text, piece by piece; call it without bytes at the end. */
export type Decode = (bytes?: Uint8Array) => string;

/**
 * A decoder that throws a TypeError for bytes that are not of this encoding, and drops a byte order mark.
 * @param encoding - a label of the WHATWG Encoding Standard
 */
export function createDecode(encoding: string): Decode {
  const decoder = new TextDecoder(encoding, { fatal: true });
  // Node's own decoder leaves 0x80 to 0x9f as controls, which a tokeniser drops.
  if (decoder.encoding === 'windows-1252')
    return (bytes = new Uint8Array()) =>
      Buffer.from(bytes)
        .toString('latin1')
        .replace(/[\u0080-\u009f]/g, (control) => windows1252[control.charCodeAt(0) - 0x80] ?? '');
  return (bytes) => decoder.decode(bytes, { stream: bytes !== undefined });
}

/** What 0x80 to 0x9f stand for. */
const windows1252 =
  '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/** True when the bytes, perhaps cut inside their last character, decode to assigned characters and no controls. */
function isTextIn(encoding: string, bytes: Uint8Array): boolean {
  try {
    return !/(?![\t\n\v\f\r])\p{Cc}|\p{Cn}|\p{Co}/u.test(createDecode(encoding)(bytes));
  } catch {
    return false;
  }
}
