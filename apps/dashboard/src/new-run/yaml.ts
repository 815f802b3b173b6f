/** What YAML reads as something else than a text where it is not quoted, or as more than one. */
const needsQuotes =
  /^$|^[\s\-?:,[\]{}#&*!|>'"%@`~=]|^[\d.+-]|: |:$| #|\s$|[\n\t]|^(true|false|null|yes|no|on|off)$/i;

/** A plain object as YAML: texts, numbers, lists of texts or numbers, and objects of them. What is undefined is left out. */
export function yamlOf(value: object, indent = ''): string {
  return Object.entries(value)
    .map(([key, inner]: [string, unknown]) => {
      if (inner === undefined) return '';
      if (Array.isArray(inner))
        return `${indent}${scalar(key)}: [${inner.map(scalar).join(', ')}]\n`;
      if (typeof inner !== 'object' || inner === null)
        return `${indent}${scalar(key)}: ${scalar(inner)}\n`;
      return `${indent}${scalar(key)}:\n${yamlOf(inner, `${indent}  `)}`;
    })
    .join('');
}

function scalar(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  // In a list a comma or a bracket would end it.
  return needsQuotes.test(value) || /[,[\]{}]/.test(value) ? JSON.stringify(value) : value;
}
