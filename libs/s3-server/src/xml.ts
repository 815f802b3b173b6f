import { S3Error } from './errors.ts';

/** An element to write: text, a list of repeated elements, or nested elements by name. `undefined` is left out. */
export type XmlContent =
  | string
  | number
  | boolean
  | undefined
  | readonly XmlContent[]
  | { readonly [name: string]: XmlContent };

const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** An S3 answer document. A list repeats its element; nested records nest. */
export function xmlDocument(
  root: string,
  content: { readonly [name: string]: XmlContent },
): string {
  const body = Object.entries(content).map(([name, value]) => xmlElement(name, value));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${namespace}">${body.join('')}</${root}>`;
}

function xmlElement(name: string, content: XmlContent): string {
  if (content === undefined) return '';
  if (isList(content)) return content.map((item) => xmlElement(name, item)).join('');
  if (typeof content !== 'object') return `<${name}>${escapeXml(String(content))}</${name}>`;
  const body = Object.entries(content).map(([child, value]) => xmlElement(child, value));
  return `<${name}>${body.join('')}</${name}>`;
}

function isList(content: XmlContent): content is readonly XmlContent[] {
  return Array.isArray(content);
}

function escapeXml(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are legal in keys
  return text.replace(/[&<>"'\u0000-\u001f\ufffe\uffff]/g, (char) => `&#${char.codePointAt(0)};`);
}

/** A parsed element; attributes are dropped, as S3 requests carry none that matter. */
export interface XmlNode {
  readonly name: string;
  text: string;
  readonly children: XmlNode[];
}

const entities: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

const maxDepth = 8;

/**
 * Parses the small documents S3 clients send: elements, text, character references, comments. No doctype, no CDATA.
 * Takes time in proportion to the document's length, whatever is in it.
 * @throws S3Error `MalformedXML`
 */
export function parseXml(source: string, rootName: string): XmlNode {
  const top: XmlNode = { name: '', text: '', children: [] };
  const open: XmlNode[] = [top];
  // No two neighbours can take the same character, so that a failed match is not tried at every split of the two.
  const token =
    /<\?[^]*?\?>|<!--[^]*?-->|<\/([^\s<>]+)\s*>|<([^\s/<>!?]+)((?:[\s/][^<>]*)?)>|([^<]+)/gy;
  let end = 0;
  for (let match = token.exec(source); match !== null; match = token.exec(source)) {
    end = token.lastIndex;
    const [, closing, opening, rest, text] = match;
    const current = open.at(-1) ?? malformed('an element is closed twice');
    if (text !== undefined) current.text += decodeText(text);
    else if (closing !== undefined) {
      if (current.name !== closing || open.length === 1)
        malformed(`</${cut(closing)}> closes nothing`);
      open.pop();
    } else if (opening !== undefined) {
      const node: XmlNode = { name: opening, text: '', children: [] };
      if (open.length > maxDepth) malformed('elements are nested too deeply');
      current.children.push(node);
      if (rest?.endsWith('/') !== true) open.push(node);
    }
  }
  const [root] = top.children;
  if (end !== source.length || open.length !== 1 || top.children.length !== 1 || !root) {
    malformed('the document is not well formed');
  }
  if (root.name !== rootName) malformed(`expected <${rootName}>, got <${cut(root.name)}>`);
  return root;
}

function decodeText(text: string): string {
  const [first = '', ...pieces] = text.split('&');
  return pieces.reduce((decoded, piece) => {
    const end = piece.indexOf(';');
    const name = end < 0 ? piece : piece.slice(0, end);
    return decoded + referent(name) + piece.slice(name.length + 1);
  }, first);
}

function referent(name: string): string {
  const hex = /^#x([0-9a-f]{1,6})$/i.exec(name)?.[1];
  if (hex !== undefined) return codePoint(Number.parseInt(hex, 16));
  const decimal = /^#(\d{1,7})$/.exec(name)?.[1];
  if (decimal !== undefined) return codePoint(Number(decimal));
  return entities.get(name) ?? malformed(`unknown reference &${cut(name)}`);
}

function codePoint(code: number): string {
  return code <= 0x10_ff_ff ? String.fromCodePoint(code) : malformed('character out of range');
}

/** As much of a client's text as a message repeats. */
function cut(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}

function malformed(why: string): never {
  throw new S3Error('MalformedXML', `The XML you provided is not valid: ${why}.`);
}

/** Text of a direct child, if it is there. */
export function childText(node: XmlNode, name: string): string | undefined {
  return node.children.find((child) => child.name === name)?.text;
}
