import { BerthError } from '@berth/contracts';

/** No model reads as much of a text; what comes in one piece of such a length is no lines of text. */
const maxLineLength = 1 << 24;

/**
 * The lines of a stream of UTF-8, which end at LF or CR LF; the last one may lack its end.
 * @param where - what is read, for errors
 * @throws BerthError `MODEL_INPUT_INVALID` for what is not UTF-8, or a line of more than 16 million characters
 */
export async function* linesOf(
  stream: AsyncIterable<Uint8Array | string>,
  where: string,
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (bytes?: Uint8Array): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch (cause) {
      throw new BerthError(
        'MODEL_INPUT_INVALID',
        `${where} is not text in UTF-8: convert it, or give another file`,
        { cause },
      );
    }
  };
  let partial: string[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const text = typeof chunk === 'string' ? chunk : decode(chunk);
    const end = text.lastIndexOf('\n');
    if (end >= 0) {
      const whole = partial.join('') + text.slice(0, end);
      for (const line of whole.split('\n')) yield line.replace(/\r$/, '');
      partial = [];
      length = 0;
    }
    partial.push(text.slice(end + 1));
    length += text.length - end - 1;
    if (length > maxLineLength)
      throw new BerthError(
        'MODEL_INPUT_INVALID',
        `${where} has a line of more than ${maxLineLength} characters; give one text a line`,
      );
  }
  const rest = partial.join('') + decode();
  if (rest !== '') yield rest.replace(/\r$/, '');
}
