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
    '<A',
    'A',
  ])('refuses %j', (source) => {
    expect(() => parseXml(source, 'A')).toThrow(expect.objectContaining({ code: 'MalformedXML' }));
  });
});
