/** `flotilla get KEY`: the value, raw in a pipe, so that what was put comes out. */
import type { Command } from 'commander'
import { formatDetails, keyArgument, keyPath, parseAnswer, printable, type Session, write } from '../cli/index.ts'
import { type Entry, entryColumns } from './entry-columns.ts'
import { examples, type Registry, withSession } from './registry.ts'

export function addGet(parent: Command, registry: Registry): void {
  parent
    .command('get')
    .description('print the value of a key; in a pipe the raw bytes and nothing else')
    .argument('<key>', 'the key as text')
    .option('--key-base64', 'the key is given as base64')
    .addHelpText(
      'after',
      examples(
        'flotilla get greeting',
        'flotilla get photo > photo.jpg          the bytes as they were put',
        'flotilla get greeting -o json           with revision and encoding',
        'flotilla get --key-base64 /wA=          a key that is no text',
      ),
    )
    .action((key: string, flags: { keyBase64?: true }, command: Command) => {
      const path = keyPath(keyArgument(key, flags.keyBase64 === true))
      return withSession(registry, command, (session) => get(session, path), 'raw')
    })
}

async function get(session: Session, path: string): Promise<void> {
  const isRaw = session.format === 'raw'
  const headers = { Accept: isRaw ? 'application/octet-stream' : 'application/json' }
  const { body } = await session.client.send({ method: 'GET', path, headers })
  if (isRaw) {
    await write(session.context.stdout, body)
    return
  }
  const entry = parseAnswer<Entry>(body.toString('utf8'))
  await session.print({
    document: entry,
    items: [entry],
    columns: entryColumns(false),
    table: () =>
      formatDetails([
        ['key', printable(entry.key, entry.keyEncoding)],
        ['value', printable(entry.value ?? '', entry.encoding)],
        ['revision', entry.revision],
      ]),
    raw: body,
  })
}
