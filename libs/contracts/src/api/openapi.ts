import { z } from 'zod';
import { wireErrorSchema } from '../wire-error.ts';
import type { ApiOperation } from './operation.ts';
import { apiOperations } from './operations.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of the coordinator's interface, made from the schemas that its routes check with. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Json> = {};
  for (const [operationId, operation] of Object.entries(apiOperations) as [
    string,
    ApiOperation,
  ][]) {
    const path = operation.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = {
      ...paths[path],
      [operation.method.toLowerCase()]: describeOperation(operationId, operation),
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'berth coordinator',
      version,
      description:
        'Runs of one cluster. Writes need the bearer token when the coordinator has one; errors are WireErrors.',
    },
    paths,
    components: {
      schemas: { WireError: schemaOf(wireErrorSchema, 'output') },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function describeOperation(operationId: string, operation: ApiOperation): Json {
  const { method, summary, response, status = 200, mediaType = 'application/json' } = operation;
  const body = schemaOf(operation.body, 'input');
  const takesBody = method === 'POST' && Object.keys(body['properties'] ?? {}).length > 0;
  return {
    operationId,
    summary,
    ...(method !== 'GET' && { security: [{}, { token: [] }] }),
    parameters: [
      ...parametersIn('path', operation.params),
      ...parametersIn('query', operation.query),
    ],
    ...(takesBody && {
      requestBody: {
        required: ((body['required'] ?? []) as string[]).length > 0,
        content: { 'application/json': { schema: body } },
      },
    }),
    responses: {
      [status]: {
        description: 'Done.',
        content: { [mediaType]: { schema: schemaOf(response, 'output') } },
      },
      default: {
        description: 'Refused or failed: a code, and a message that says how to go on.',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/WireError' } } },
      },
    },
  };
}

function parametersIn(place: 'path' | 'query', schema: z.ZodType): Json[] {
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    // What is coerced from text has no type of its own in the input.
    schema: Object.keys(property).every((key) => key === 'default')
      ? { type: 'number', ...property }
      : property,
  }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
