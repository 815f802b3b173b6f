import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SseParser } from './sse-parser.ts';

const stream =
  'id: 1-0\n\n: alive\n\nid: 1-1\ndata: {"a":1}\n\ndata: x\r\ndata: y\r\n\r\nevent: run\ndata: z\n\n';

describe('SseParser', () => {
  it('reads ids without data, data on several lines, and leaves comments out', () => {
    expect(new SseParser().push(stream)).toEqual([
      { id: '1-0', event: '', data: '' },
      { id: '1-1', event: '', data: '{"a":1}' },
      { id: undefined, event: '', data: 'x\ny' },
      { id: undefined, event: 'run', data: 'z' },
    ]);
  });

  it('reads the same from whatever pieces', () => {
    const whole = new SseParser().push(stream);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 8 }), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
        const parser = new SseParser();
        const messages = places
          .slice(1)
          .flatMap((end, i) => parser.push(stream.slice(places[i], end)));
        expect(messages).toEqual(whole);
      }),
    );
  });
});
