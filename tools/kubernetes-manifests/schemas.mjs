/**
 * An object of the API, as OpenAPI 2 defines it.
 * @typedef {object} Definition
 * @property {string} [type]
 * @property {string} [format]
 * @property {Record<string, Definition>} [properties]
 * @property {{ group: string, kind: string, version: string }[]} [x-kubernetes-group-version-kind]
 */

const allDefinitions = '_definitions.json';

/**
 * What an API server says of its objects as JSON schemas, such as kubeconform reads: one file for each kind, strict about fields
 * that there are not, and one with all that they refer to.
 * @param {{ definitions: Record<string, Definition> }} openApi - of `kubectl get --raw /openapi/v2`
 * @returns {Map<string, object>} schemas by the names of their files
 */
export function schemasOf({ definitions }) {
  const strict = Object.entries(definitions).map(([name, definition]) => [
    name,
    strictly(definition),
  ]);
  const files = new Map([[allDefinitions, { definitions: Object.fromEntries(strict) }]]);
  for (const [name, { 'x-kubernetes-group-version-kind': kinds = [] }] of Object.entries(
    definitions,
  ))
    for (const { group, kind, version } of kinds) {
      const suffix = [...(group === '' ? [] : [group.split('.')[0]]), version].join('-');
      files.set(`${kind}-${suffix}.json`.toLowerCase(), {
        $ref: `${allDefinitions}#/definitions/${name}`,
      });
    }
  return files;
}

/** @param {Definition} definition */
function strictly(definition) {
  // Numbers count as amounts too.
  if (isAmount(definition)) return { type: ['string', 'number'] };
  return definition.properties === undefined
    ? definition
    : { ...definition, additionalProperties: false };
}

/** @param {Definition & { description?: string }} definition */
function isAmount({ type, format, description = '' }) {
  const isText = type === 'string';
  return (
    isText && (format === 'int-or-string' || description.startsWith('Quantity is a fixed-point'))
  );
}
