/** The shards of a cluster with their ranges as bytes, for commands that go through the whole key space. */
import { type HttpClient, parseAnswer, percentEncode, type Session } from '../cli/index.ts'

export interface ShardRange {
  readonly id: number
  readonly kind?: string
  /** Percent-encoded; absent on the placement driver's own group. */
  readonly start?: string
  readonly end?: string | null
  readonly epoch: { readonly membership: number; readonly range: number }
  readonly leader: string | null
  readonly replicas: readonly { readonly store: string; readonly role: string }[]
  readonly keys: number
}

/** Every shard by id, the placement driver among them. */
export async function allShards(client: HttpClient): Promise<readonly ShardRange[]> {
  const shards: ShardRange[] = []
  let next: string | null | undefined
  do {
    const cursor = next ? `?cursor=${percentEncode(Buffer.from(next, 'utf8'))}` : ''
    const { body } = await client.send({ method: 'GET', path: `/admin/shards${cursor}` })
    const page = parseAnswer<{ shards: readonly ShardRange[]; next?: string | null }>(body.toString('utf8'))
    shards.push(...page.shards)
    next = page.next
  } while (next)
  return shards
}

/** Those that keep data, in key order. */
export async function dataShards(session: Session): Promise<readonly ShardRange[]> {
  const shards = (await allShards(session.client)).filter(({ start }) => start !== undefined)
  return shards.sort((left, right) => Buffer.compare(boundBytes(left.start ?? ''), boundBytes(right.start ?? '')))
}

/** The bytes of a percent-encoded bound. */
export function boundBytes(text: string): Buffer {
  const units = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(units, 'latin1')
}

/** The lowest key that a shard may hold. */
export function firstKeyOf({ start = '' }: ShardRange): Uint8Array {
  // The empty key does not exist; the lowest is a single zero.
  return start === '' ? Buffer.from([0]) : boundBytes(start)
}
