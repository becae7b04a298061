/**
 * The check of the data: what each store's own replicas hold, page by page side by side. Stale reads are answered by the store that is asked where it has a replica, so with as
 * many replicas as stores this compares replica with replica.
 */
import { LIMITS } from '../../src/base/index.ts'
import { type HttpClient, parseAnswer, percentEncode, printable, type Session } from '../cli/index.ts'
import { type Finding, finding } from './check-finding.ts'
import type { Entry } from './entry-columns.ts'
import { clusterMembers, type Member } from './members.ts'
import { pause, withPatience } from './patience.ts'
import { ProgressLine } from './progress.ts'

interface Page {
  readonly items: readonly Entry[]
  readonly next: string | null
}

interface Reader extends Member {
  readonly client: HttpClient
}

/** Followers are behind by less than this, or they are in trouble. */
const AGREE_MS_MAX = 10_000
const AGAIN_MS = 250

export async function checkConsistency(session: Session, prefix: Uint8Array): Promise<readonly Finding[]> {
  const readers = (await clusterMembers(session)).map((member) => ({
    ...member,
    client: session.clientAt(member.endpoint),
  }))
  const progress = new ProgressLine(session.context, 'compared')
  const differences: string[] = []
  let keys = 0
  let bytes = 0
  let start: Buffer = Buffer.alloc(0)
  for (;;) {
    // One page of what is committed names the keys; each store is then asked for just that range.
    const page = await readPage(session, session.client, prefix, start, undefined, 'linearizable')
    const last = page.items.at(-1)
    const end = page.next === null || last === undefined ? undefined : Buffer.concat([keyOf(last), Buffer.from([0])])
    differences.push(...(await compareRange(session, readers, prefix, start, end)))
    keys += page.items.length
    bytes += page.items.reduce((sum, item) => sum + item.key.length + (item.value?.length ?? 0), 0)
    await progress.show({ keys, bytes, fraction: undefined })
    if (end === undefined) break
    start = end
  }
  await progress.clear()
  return [finding('data', differences, `${readers.length} stores hold the same ${keys} keys, values and revisions`)]
}

/** Repeats until all stores say the same, because some replica is always a little behind. */
async function compareRange(
  session: Session,
  readers: readonly Reader[],
  prefix: Uint8Array,
  start: Buffer,
  end: Buffer | undefined,
): Promise<readonly string[]> {
  const { clock } = session.context
  const deadlineMs = clock.nowMs() + AGREE_MS_MAX
  for (;;) {
    const contents = await Promise.all(readers.map(({ client }) => readRange(session, client, prefix, start, end)))
    const differences = differencesOf(readers, contents)
    if (differences.length === 0 || clock.nowMs() > deadlineMs) return differences
    await pause(session.context, AGAIN_MS)
  }
}

export function differencesOf(members: readonly Member[], contents: readonly (readonly Entry[])[]): readonly string[] {
  const maps = contents.map((items) => new Map(items.map((item) => [`${item.keyEncoding ?? ''} ${item.key}`, item])))
  const names = new Set(maps.flatMap((map) => [...map.keys()]))
  return [...names].sort().flatMap((name) => {
    const versions = maps.map((map) => map.get(name))
    const texts = versions.map((entry) => JSON.stringify([entry?.value, entry?.encoding, entry?.revision]))
    if (new Set(texts).size === 1) return []
    const key = versions.find((entry) => entry !== undefined)
    const told = versions.map((entry, position) => {
      return `${members[position]?.store} ${entry === undefined ? 'has none' : `has revision ${entry.revision}`}`
    })
    return [`${printable(key?.key ?? '', key?.keyEncoding)}: ${told.join(', ')}`]
  })
}

async function readRange(
  session: Session,
  client: HttpClient,
  prefix: Uint8Array,
  start: Buffer,
  end: Buffer | undefined,
): Promise<readonly Entry[]> {
  const items: Entry[] = []
  let from = start
  for (;;) {
    const page = await readPage(session, client, prefix, from, end, 'stale')
    items.push(...page.items)
    const last = page.items.at(-1)
    if (page.next === null || last === undefined) return items
    from = Buffer.concat([keyOf(last), Buffer.from([0])])
  }
}

async function readPage(
  { context }: Session,
  client: HttpClient,
  prefix: Uint8Array,
  start: Buffer,
  end: Buffer | undefined,
  consistency: 'linearizable' | 'stale',
): Promise<Page> {
  const query = [
    `limit=${LIMITS.scanPageItemsMax}`,
    `consistency=${consistency}`,
    ...(prefix.length === 0 ? [] : [`prefix=${percentEncode(prefix)}`]),
    ...(start.length === 0 ? [] : [`start=${percentEncode(start)}`]),
    ...(end === undefined ? [] : [`end=${percentEncode(end)}`]),
  ]
  const { body } = await withPatience(context, () => client.send({ method: 'GET', path: `/kv?${query.join('&')}` }))
  return parseAnswer<Page>(body.toString('utf8'))
}

function keyOf({ key, keyEncoding }: Entry): Buffer {
  return Buffer.from(key, keyEncoding ?? 'utf8')
}
