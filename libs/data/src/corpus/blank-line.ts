/**
 * What Python calls white space. It differs from JavaScript's by the separators U+001C to U+001F and U+0085, and by U+FEFF, which
 * is none.
 */
const pythonSpace = String.raw`\t-\r\u001C-\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000`;

const blankLine = new RegExp(`^[${pythonSpace}]*$`);
const margin = new RegExp(`^[${pythonSpace}]+`);

/** Whether a line separates documents, as `create_pretraining_data.py` has it: it strips lines by Python's white space. */
export function isBlankLine(line: string): boolean {
  return blankLine.test(line);
}

/** A line without the white space, as Python has it, that it begins with. */
export function withoutMargin(line: string): string {
  return line.replace(margin, '');
}
