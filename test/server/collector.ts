/** A small collector of traces for tests: OTLP over HTTP, in JSON, as OpenTelemetry's exporter sends it. Remembers every span. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly store: string
  readonly attributes: Readonly<Record<string, string | number>>
}

interface OtlpAttribute {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly intValue?: number }
}

interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] }
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<Span, 'attributes' | 'store'> & {
        readonly attributes: readonly OtlpAttribute[]
      })[]
    }[]
  }[]
}

function plain(attributes: readonly OtlpAttribute[]): Record<string, string | number> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]))
}

/** Ends with the test. */
export async function startCollector(t: TestContext): Promise<{ readonly url: string; readonly spans: Span[] }> {
  const spans: Span[] = []
  const server = createServer(async (incoming, outgoing) => {
    assert.equal(incoming.url, '/v1/traces')
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as OtlpBody
    for (const { resource, scopeSpans } of resourceSpans) {
      const { 'service.instance.id': store = '', 'service.name': service } = plain(resource.attributes)
      assert.equal(service, 'flotilla')
      for (const { attributes, ...span } of scopeSpans.flatMap(({ spans: each }) => each))
        spans.push({ ...span, store: String(store), attributes: plain(attributes) })
    }
    outgoing.writeHead(200, { 'Content-Type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans }
}

export async function until(spans: readonly Span[], what: (spans: readonly Span[]) => boolean): Promise<void> {
  while (!what(spans)) await new Promise((resolve) => setTimeout(resolve, 50))
}
