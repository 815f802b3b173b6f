import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { childText, parseXml, xmlDocument } from './xml.ts';

describe('parseXml', () => {
  it('reads back the text that xmlDocument wrote', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (key) => {
        const root = parseXml(xmlDocument('Delete', { Object: [{ Key: key }] }), 'Delete');
        expect(root.children.map((child) => childText(child, 'Key'))).toEqual([key]);
      }),
    );
  });

  it('reads attributes, comments, self-closed elements and references', () => {
    const source = '<?xml version="1.0"?><A x="1"><!-- c --><B>&lt;&#65;&#x42;</B><C/></A>';
    const root = parseXml(source, 'A');
    expect(childText(root, 'B')).toBe('<AB');
    expect(childText(root, 'C')).toBe('');
  });

  it.each([
    '',
    '<A>',
    '<A></B>',
    '</A>',
    '<A/><A/>',
    '<B/>',
    '<A>&x;</A>',
    '<A>&#x110000;</A>',
    '<A>&constructor;</A>',
    '<A',
    'A',
  ])('refuses %j', (source) => {
    expect(() => parseXml(source, 'A')).toThrow(expect.objectContaining({ code: 'MalformedXML' }));
  });

  it.each([
    ['a name without an end', `<${'a'.repeat(2 ** 16)}`],
    ['attributes without an end', `<a ${'b '.repeat(2 ** 15)}`],
    ['a closing name without an end', `</${'a'.repeat(2 ** 16)}`],
    ['spaces after a closing name', `</a${' '.repeat(2 ** 16)}`],
    ['angles', '<'.repeat(2 ** 16)],
    ['names within a name', '<a'.repeat(2 ** 15)],
    ['slashes', `<a${'/'.repeat(2 ** 16)}`],
    ['ampersands', `<A>${'&'.repeat(2 ** 16)}</A>`],
    ['a long reference', `<A>&${'x'.repeat(2 ** 16)}</A>`],
    ['comments without an end', '<!--'.repeat(2 ** 14)],
    ['instructions without an end', '<?'.repeat(2 ** 15)],
    ['elements in elements', '<A>'.repeat(2 ** 14)],
  ])('refuses %s in time that grows with the length, and shortly', (_, source) => {
    let refusal: unknown;
    const { user } = process.cpuUsage();
    try {
      parseXml(source, 'A');
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({ code: 'MalformedXML' });
    expect(String(refusal).length).toBeLessThan(300);
    // Microseconds of this process alone; tries at every split of 64 KB take 10 s and more.
    expect(process.cpuUsage().user - user).toBeLessThan(1e6);
  });
});
