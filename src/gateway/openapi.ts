/**
 * The route table as an OpenAPI 3.1 document. Pure: a table in, a document out.
 */
import { z } from 'zod'
import type { ContentDefinition, ParameterDefinition, ResponseDefinition, RouteDefinition } from './route-definition.ts'
import * as schemas from './schemas.ts'

type Json = Readonly<Record<string, unknown>>

export function openApiDocument(routes: readonly RouteDefinition[], version: string): Json {
  const components = new SchemaCollection()
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route, components) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Flotilla',
      version,
      description:
        'A sharded, durable, linearizable key-value database. Every route works through every store. Errors are problem documents (RFC 9457) with a stable `code`. Wherever GET is possible, HEAD is too.',
    },
    tags: [{ name: 'data' }, { name: 'operating' }],
    paths,
    components: {
      schemas: { ...components.schemas, Problem: components.convert(schemas.problem, false) },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  }
}

/** Collects named schemas, so that each stands once in the document and is referred to everywhere else. */
class SchemaCollection {
  readonly schemas: Record<string, Json> = {}

  convert(schema: z.ZodType, byReference = true): Json {
    const {
      $defs = {},
      $schema: _,
      ...json
    } = z.toJSONSchema(schema, { target: 'draft-2020-12', reused: 'inline' }) as {
      $defs?: Record<string, Json>
      $schema?: string
      id?: string
    }
    for (const [name, definition] of Object.entries($defs)) this.schemas[name] = cleaned(definition)
    const name = schema.meta()?.id
    if (name === undefined) return cleaned(json)
    // What is said of a named schema stands among the definitions where it is referred to, and otherwise here.
    const own = name in $defs ? (this.schemas[name] as Json) : cleaned(json)
    if (!byReference) return own
    this.schemas[name] = own
    return { $ref: `#/components/schemas/${name}` }
  }
}

/** References point into the document's components, and `id` is no word of OpenAPI. */
function cleaned(json: Json): Json {
  return JSON.parse(JSON.stringify(json).replaceAll('"#/$defs/', '"#/components/schemas/'), (key, value: unknown) =>
    key === 'id' && typeof value === 'string' ? undefined : value,
  ) as Json
}

function operation(route: RouteDefinition, components: SchemaCollection): Json {
  return {
    operationId: route.operationId,
    summary: route.summary,
    tags: [route.tag],
    security: route.access === 'open' ? [] : [{ token: [] }, {}],
    ...(route.parameters === undefined
      ? {}
      : { parameters: route.parameters.map((parameter) => parameterObject(parameter, components)) }),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            description: route.body.description,
            content: contentObject(route.body.content, components),
          },
        }),
    responses: {
      ...Object.fromEntries(route.responses.map((response) => [response.status, responseObject(response, components)])),
      default: { description: 'Any other failure', content: problemContent },
    },
  }
}

const problemContent = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }

function parameterObject(parameter: ParameterDefinition, components: SchemaCollection): Json {
  return {
    in: parameter.in,
    name: parameter.name,
    description: parameter.description,
    required: parameter.required === true,
    schema: parameter.schema === undefined ? { type: 'string' } : components.convert(parameter.schema),
  }
}

function responseObject(response: ResponseDefinition, components: SchemaCollection): Json {
  const headers = ['Request-Id', ...(response.headers ?? [])]
  const content = response.content === undefined ? undefined : contentObject(response.content, components)
  return {
    description: response.description,
    headers: Object.fromEntries(headers.map((name) => [name, { schema: { type: 'string' } }])),
    ...(content !== undefined ? { content } : response.status >= 400 ? { content: problemContent } : {}),
  }
}

function contentObject(content: readonly ContentDefinition[], components: SchemaCollection): Json {
  return Object.fromEntries(
    content.map(({ type, schema }) => [type, schema === undefined ? {} : { schema: components.convert(schema) }]),
  )
}
