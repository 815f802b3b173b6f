import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createChecksum } from './checksums.ts';
import { decodeChunkedBody } from './chunked-body.ts';
import { sendAsIs, signRequest, startTestServer } from './testing/served-store.ts';

async function decode(pieces: Buffer[]): Promise<{ data: string; trailer: Map<string, string> }> {
  async function* source(): AsyncGenerator<Buffer> {
    yield* pieces;
  }
  const data: Buffer[] = [];
  const trailer = await decodeChunkedBody(source(), undefined, async (bytes) => {
    data.push(bytes);
  });
  return { data: Buffer.concat(data).toString(), trailer };
}

const wire = '4\r\nabcd\r\nA\r\n0123\r\n6789\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n';

describe('decodeChunkedBody', () => {
  it('gives the same bytes and trailer wherever the body is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(wire.length), { maxLength: 8 }), async (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), wire.length];
        const pieces = edges.map((edge, index) =>
          Buffer.from(wire.slice(edges[index - 1] ?? 0, edge)),
        );
        expect(await decode(pieces)).toEqual({
          data: 'abcd0123\r\n6789',
          trailer: new Map([['x-amz-checksum-crc32', 'AAAAAA==']]),
        });
      }),
    );
  });

  it('refuses every shorter body', async () => {
    for (let length = 0; length < wire.length; length++) {
      await expect(decode([Buffer.from(wire.slice(0, length))])).rejects.toMatchObject({
        code: 'IncompleteBody',
      });
    }
  });

  it.each(['zz\r\n', '-1\r\n\r\n', '3\r\nabcd\r\n0\r\n\r\n', '1'.repeat(9000)])(
    'refuses a malformed body %#',
    async (text) => {
      await expect(decode([Buffer.from(text)])).rejects.toMatchObject({ code: 'InvalidRequest' });
    },
  );
});

describe('a signed aws-chunked upload', () => {
  const chunks = [Buffer.from('first chunk '), Buffer.from('second chunk')];
  const content = Buffer.concat(chunks);

  async function upload(
    change: (text: string) => string,
    withTrailer: boolean,
  ): Promise<{ status: number; code: string | undefined }> {
    const { endpoint } = await startTestServer();
    await sendAsIs(endpoint, {
      method: 'PUT',
      path: '/box',
      ...signRequest(endpoint, { method: 'PUT', path: '/box' }),
    });
    const checksum = createChecksum('CRC32C');
    checksum.update(content);
    const request = {
      method: 'PUT',
      path: '/box/k',
      headers: {
        'content-encoding': 'aws-chunked',
        'x-amz-content-sha256': `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${withTrailer ? '-TRAILER' : ''}`,
        'x-amz-decoded-content-length': String(content.length),
        ...(withTrailer && { 'x-amz-trailer': 'x-amz-checksum-crc32c' }),
      },
    };
    const { headers, signer } = signRequest(endpoint, request);
    let previous = signer.seed;
    let text = '';
    for (const chunk of [...chunks, Buffer.alloc(0)]) {
      previous = signer.chunk(previous, chunk);
      text += `${chunk.length.toString(16)};chunk-signature=${previous}\r\n${chunk.toString()}`;
      if (chunk.length > 0) text += '\r\n';
    }
    if (withTrailer) {
      const line = `x-amz-checksum-crc32c:${checksum.digest().toString('base64')}`;
      text += `${line}\r\nx-amz-trailer-signature:${signer.trailer(previous, `${line}\n`)}\r\n`;
    }
    const body = Buffer.from(change(`${text}\r\n`));
    return sendAsIs(endpoint, { ...request, headers, body });
  }

  it.each([false, true])(
    'is accepted when every signature holds (trailer: %s)',
    async (trailer) => {
      expect(await upload((text) => text, trailer)).toMatchObject({ status: 200 });
    },
  );

  it.each([
    ['a changed byte', /second/, 'sEcond', 'SignatureDoesNotMatch'],
    ['a missing signature', /;chunk-signature=\w+/, '', 'SignatureDoesNotMatch'],
    ['a changed trailer', /crc32c:./, 'crc32c:_', 'SignatureDoesNotMatch'],
    ['an unsigned trailer', /x-amz-trailer-signature.*\r\n/, '', 'SignatureDoesNotMatch'],
    ['no trailer', /x-amz-checksum-crc32c[^]*$/, '\r\n', 'MalformedTrailerError'],
  ])('is refused with %s', async (_, pattern, replacement, code) => {
    expect(await upload((text) => text.replace(pattern, replacement), true)).toMatchObject({
      code,
    });
  });
});

describe('an unsigned aws-chunked upload', () => {
  it.each([
    ['the right trailing checksum', 'NhCmhg==', 5, 200, undefined],
    ['a wrong trailing checksum', 'AAAAAA==', 5, 400, 'BadDigest'],
    ['a wrong decoded length', 'NhCmhg==', 6, 400, 'IncompleteBody'],
  ])('with %s', async (_, checksum, length, status, code) => {
    const { endpoint } = await startTestServer();
    await sendAsIs(endpoint, {
      method: 'PUT',
      path: '/box',
      ...signRequest(endpoint, { method: 'PUT', path: '/box' }),
    });
    const request = {
      method: 'PUT',
      path: '/box/k',
      headers: {
        'content-encoding': 'aws-chunked',
        'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        'x-amz-decoded-content-length': String(length),
        'x-amz-trailer': 'x-amz-checksum-crc32',
      },
    };
    const { headers } = signRequest(endpoint, request);
    const body = Buffer.from(`5\r\nhello\r\n0\r\nx-amz-checksum-crc32:${checksum}\r\n\r\n`);
    expect(await sendAsIs(endpoint, { ...request, headers, body })).toMatchObject({ status, code });
  });
});
