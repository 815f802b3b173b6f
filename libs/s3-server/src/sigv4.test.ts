import { describe, expect, it } from 'vitest';
import {
  chunkSignature,
  trailerSignature,
  verifySignature,
  type SignedRequest,
  type SigningContext,
} from './sigv4.ts';

// Examples of the AWS documentation ("Examples: Signature Calculations").
const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const nowMs = Date.UTC(2013, 4, 24);
const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

function signed(signedHeaders: string, signature: string): string {
  const scope = 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request';
  return `AWS4-HMAC-SHA256 Credential=${scope},SignedHeaders=${signedHeaders},Signature=${signature}`;
}

const getObject: SignedRequest = {
  method: 'GET',
  path: '/test.txt',
  query: '',
  headers: {
    host: 'examplebucket.s3.amazonaws.com',
    range: 'bytes=0-9',
    'x-amz-content-sha256': emptySha256,
    'x-amz-date': '20130524T000000Z',
    authorization: signed(
      'host;range;x-amz-content-sha256;x-amz-date',
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ),
  },
};

describe('verifySignature', () => {
  it('accepts the documented GET object example', () => {
    expect(verifySignature(getObject, credentials, nowMs).signature).toMatch(/^f0e8bdb8/);
  });

  it('accepts the documented GET bucket lifecycle and list examples', () => {
    const headers = {
      host: 'examplebucket.s3.amazonaws.com',
      'x-amz-content-sha256': emptySha256,
      'x-amz-date': '20130524T000000Z',
    };
    const names = 'host;x-amz-content-sha256;x-amz-date';
    const lifecycle = signed(
      names,
      'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    );
    const list = signed(names, '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7');
    const base = { method: 'GET', path: '/' };
    const accept = (query: string, authorization: string): unknown =>
      verifySignature(
        { ...base, query, headers: { ...headers, authorization } },
        credentials,
        nowMs,
      );
    expect(accept('lifecycle', lifecycle)).toBeDefined();
    expect(accept('max-keys=2&prefix=J', list)).toBeDefined();
  });

  it('accepts the documented PUT object example, whose path needs encoding', () => {
    const request: SignedRequest = {
      method: 'PUT',
      path: '/test$file.text',
      query: '',
      headers: {
        date: 'Fri, 24 May 2013 00:00:00 GMT',
        host: 'examplebucket.s3.amazonaws.com',
        'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
        'x-amz-date': '20130524T000000Z',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
        authorization: signed(
          'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
          '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
        ),
      },
    };
    expect(verifySignature(request, credentials, nowMs).signature).toMatch(/^98ad7217/);
  });

  const headers = getObject.headers;
  it.each([
    ['another path', { ...getObject, path: '/other.txt' }, 'SignatureDoesNotMatch'],
    ['another method', { ...getObject, method: 'DELETE' }, 'SignatureDoesNotMatch'],
    ['an added query', { ...getObject, query: 'acl' }, 'SignatureDoesNotMatch'],
    [
      'a changed signed header',
      { ...getObject, headers: { ...headers, range: 'bytes=0-8' } },
      'SignatureDoesNotMatch',
    ],
    [
      'an unsigned x-amz header',
      { ...getObject, headers: { ...headers, 'x-amz-meta-a': '1' } },
      'AccessDenied',
    ],
    ['no signature', { ...getObject, headers: {} }, 'AccessDenied'],
    [
      'another scheme',
      { ...getObject, headers: { ...headers, authorization: 'Basic abc' } },
      'AuthorizationHeaderMalformed',
    ],
    [
      'an unknown access key',
      {
        ...getObject,
        headers: { ...headers, authorization: headers['authorization']?.replace('AKIA', 'BKIA') },
      },
      'InvalidAccessKeyId',
    ],
  ])('refuses %s', (_, request, code) => {
    expect(() => verifySignature(request, credentials, nowMs)).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it('refuses a wrong secret', () => {
    const wrong = { ...credentials, secretAccessKey: 'wrong' };
    expect(() => verifySignature(getObject, wrong, nowMs)).toThrow(
      expect.objectContaining({ code: 'SignatureDoesNotMatch' }),
    );
  });

  it('accepts a clock 15 minutes off, and refuses one second more, either way', () => {
    const limitMs = 15 * 60_000;
    for (const side of [-1, 1]) {
      expect(verifySignature(getObject, credentials, nowMs + side * limitMs)).toBeDefined();
      expect(() =>
        verifySignature(getObject, credentials, nowMs + side * (limitMs + 1000)),
      ).toThrow(expect.objectContaining({ code: 'RequestTimeTooSkewed' }));
    }
  });
});

describe('chunk signatures', () => {
  it('equal the documented streaming upload of 66,560 bytes in two chunks', () => {
    const request: SignedRequest = {
      method: 'PUT',
      path: '/examplebucket/chunkObject.txt',
      query: '',
      headers: {
        'content-encoding': 'aws-chunked',
        'content-length': '66824',
        host: 's3.amazonaws.com',
        'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
        'x-amz-date': '20130524T000000Z',
        'x-amz-decoded-content-length': '66560',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
        authorization: signed(
          'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class',
          '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
        ),
      },
    };
    const context = verifySignature(request, credentials, nowMs);
    // sha256 of 65,536 and of 1,024 letters "a"
    const first = chunkSignature(
      context,
      context.signature,
      'bf718b6f653bebc184e1479f1935b8da974d701b893afcf49e701f3e2f9f9c5a',
    );
    const second = chunkSignature(
      context,
      first,
      '2edc986847e209b4016e141a6dc8716d3207350f416969382d431539bf292e4a',
    );
    expect(first).toBe('ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648');
    expect(second).toBe('0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497');
    expect(chunkSignature(context, second, emptySha256)).toBe(
      'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
    );
  });

  it('equal the documented trailer signature', () => {
    const { signingKey, timestamp, scope } = verifySignature(getObject, credentials, nowMs);
    const context: SigningContext = { signingKey, timestamp, scope, signature: '' };
    const last = '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992';
    expect(trailerSignature(context, last, 'x-amz-checksum-crc32c:sOO8/Q==\n')).toBe(
      'd81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435',
    );
  });
});
