/** An entry of a config, flat. */
export interface ConfigEntry {
  /** `train.numSteps` */
  readonly path: string;
  readonly value: unknown;
  /** Undefined when it has none. */
  readonly default: unknown;
  readonly isChanged: boolean;
}

/** All entries of a config in its order, each with whether it differs from its default. */
export function flatten(config: object, defaults: ReadonlyMap<string, unknown>): ConfigEntry[] {
  return leaves(config, '').map(([path, value]) => ({
    path,
    value,
    default: defaults.get(path),
    isChanged: defaults.get(path) !== value,
  }));
}

/** The default of each entry, from a JSON Schema. */
export function defaultsOf(schema: unknown): Map<string, unknown> {
  return new Map(schemaDefaults(schema, ''));
}

function leaves(value: object, prefix: string): [string, unknown][] {
  return Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    return isObject(inner) ? leaves(inner, path) : [[path, inner]];
  });
}

function schemaDefaults(schema: unknown, prefix: string): [string, unknown][] {
  if (!isObject(schema) || !isObject(schema['properties'])) return [];
  return Object.entries(schema['properties']).flatMap(([name, inner]): [string, unknown][] => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    if (!isObject(inner)) return [];
    const own: [string, unknown][] =
      'default' in inner && !isObject(inner['default']) ? [[path, inner['default']]] : [];
    return [...own, ...schemaDefaults(inner, path)];
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
