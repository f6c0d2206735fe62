import type { ToolDefinition } from '../../inference/index.ts';

type Schema = Record<string, unknown>;

/** Tools whose every parameter has one type and a description, as templates that write signatures expect. */
export function plainTools(tools: ToolDefinition[]): ToolDefinition[] {
  return tools.map((tool) => ({
    ...tool,
    description: tool.description || tool.name,
    parameters: { ...plainSchema(tool.parameters ?? {}, 'object'), properties: propertiesOf(tool.parameters) },
  }));
}

function propertiesOf(parameters: Schema | undefined): Schema {
  const { properties } = parameters ?? {};
  if (!isSchema(properties)) return {};
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => {
      const plain = plainSchema(schema, 'string');
      return [name, { ...plain, description: typeof plain.description === 'string' ? plain.description : '' }];
    }),
  );
}

function plainSchema(schema: unknown, otherwise: string): Schema {
  if (!isSchema(schema)) return { type: otherwise };
  const { items, properties } = schema;
  return {
    ...schema,
    type: typeOf(schema) ?? otherwise,
    ...(items === undefined ? {} : { items: plainSchema(items, 'string') }),
    ...(isSchema(properties) ? { properties: propertiesOf(schema) } : {}),
  };
}

function typeOf(schema: Schema): string | undefined {
  const named = [schema.type].flat().filter((type) => typeof type === 'string');
  const type = named.find((name) => name !== 'null') ?? named[0];
  if (type !== undefined) return type;
  for (const union of [schema.anyOf, schema.oneOf, schema.allOf]) {
    if (!Array.isArray(union)) continue;
    const types = union.filter(isSchema).map(typeOf);
    const first = types.find((name) => name !== undefined && name !== 'null');
    if (first !== undefined) return first;
  }
  if (isSchema(schema.properties)) return 'object';
  if (schema.items !== undefined) return 'array';
  const [example] = Array.isArray(schema.enum) ? schema.enum : [schema.const];
  return typeof example === 'number' || typeof example === 'boolean' ? typeof example : undefined;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
