/** `flotilla put KEY VALUE|-`: stores a value, with or without a condition. */
import type { Readable } from 'node:stream'
import type { Command } from 'commander'
import { LIMITS } from '../../src/base/index.ts'
import {
  type Column,
  type JsonKey,
  jsonKey,
  keyArgument,
  keyPath,
  parseWhole,
  type Session,
  UsageError,
} from '../cli/index.ts'
import { examples, type Registry, withSession } from './registry.ts'

interface PutFlags {
  readonly keyBase64?: true
  readonly ifRevision?: string
  readonly ifAbsent?: true
}

interface Written extends JsonKey {
  readonly revision: number
}

export function addPut(parent: Command, registry: Registry): void {
  parent
    .command('put')
    .description('store a value under a key')
    .argument('<key>', 'the key as text')
    .argument('<value>', 'the value as text, or - for standard input')
    .option('--if-revision <n>', 'only when the key has this revision')
    .option('--if-absent', 'only when the key does not exist')
    .option('--key-base64', 'the key is given as base64')
    .addHelpText(
      'after',
      examples(
        'flotilla put greeting hello',
        'flotilla put photo - < photo.jpg',
        'flotilla put lock me --if-absent        exit code 4 when it exists',
        'flotilla put greeting hi --if-revision 7',
        'flotilla put -- -key -value             words that begin with a dash',
      ),
    )
    .action((key: string, value: string, flags: PutFlags, command: Command) => {
      const keyBytes = keyArgument(key, flags.keyBase64 === true)
      const condition = conditionHeader(flags)
      return withSession(registry, command, async (session) => {
        const body = value === '-' ? await readValue(registry.context.stdin) : Buffer.from(value, 'utf8')
        await put(session, keyBytes, body, condition)
      })
    })
}

function conditionHeader({ ifRevision, ifAbsent }: PutFlags): Record<string, string> {
  if (ifRevision !== undefined && ifAbsent === true) {
    throw new UsageError('--if-revision and --if-absent exclude each other')
  }
  if (ifAbsent === true) return { 'If-None-Match': '*' }
  if (ifRevision === undefined) return {}
  return ifRevisionHeader(ifRevision)
}

/** The header for the value of `--if-revision`. Throws UsageError when that is no revision. */
export function ifRevisionHeader(text: string): Record<string, string> {
  return { 'If-Match': `"${parseWhole('--if-revision', text, 0, Number.MAX_SAFE_INTEGER)}"` }
}

/** Everything up to one byte more than a value can have, which the gateway then refuses. */
async function readValue(stdin: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stdin) {
    chunks.push(chunk as Buffer)
    bytes += (chunk as Buffer).length
    if (bytes > LIMITS.valueBytesMax) break
  }
  return Buffer.concat(chunks).subarray(0, LIMITS.valueBytesMax + 1)
}

const COLUMNS: readonly Column<Written>[] = [
  { name: 'key', value: (written) => written.key },
  { name: 'keyEncoding', value: (written) => written.keyEncoding ?? 'utf8' },
  { name: 'revision', value: (written) => written.revision },
]

async function put(
  session: Session,
  key: Uint8Array,
  body: Uint8Array,
  condition: Record<string, string>,
): Promise<void> {
  const answer = await session.client.send({
    method: 'PUT',
    path: keyPath(key),
    headers: { 'Content-Type': 'application/octet-stream', ...condition },
    body,
  })
  const written = { ...jsonKey(key), revision: Number((answer.headers.etag ?? '').replaceAll('"', '')) }
  await session.print({
    document: written,
    items: [written],
    columns: COLUMNS,
    table: () => `stored, revision ${written.revision}`,
    raw: answer.body,
  })
}
