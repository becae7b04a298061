/** `flotilla del KEY`: afterwards the key does not exist, whether or not it did. */
import type { Command } from 'commander'
import { type Column, type JsonKey, jsonKey, keyArgument, keyPath } from '../cli/index.ts'
import { ifRevisionHeader } from './put.ts'
import { examples, type Registry, withSession } from './registry.ts'

interface Deleted extends JsonKey {
  /** How many there were. */
  readonly deleted: number
}

const COLUMNS: readonly Column<Deleted>[] = [
  { name: 'key', value: (deleted) => deleted.key },
  { name: 'keyEncoding', value: (deleted) => deleted.keyEncoding ?? 'utf8' },
  { name: 'deleted', value: (deleted) => deleted.deleted },
]

export function addDel(parent: Command, registry: Registry): void {
  parent
    .command('del')
    .description('delete a key; one that does not exist is no error')
    .argument('<key>', 'the key as text')
    .option('--if-revision <n>', 'only when the key has this revision')
    .option('--key-base64', 'the key is given as base64')
    .addHelpText(
      'after',
      examples(
        'flotilla del greeting',
        'flotilla del greeting --if-revision 7   exit code 4 when it has another, or does not exist',
        'flotilla del greeting -o json           says whether it existed',
      ),
    )
    .action((text: string, flags: { keyBase64?: true; ifRevision?: string }, command: Command) => {
      const key = keyArgument(text, flags.keyBase64 === true)
      const headers = flags.ifRevision === undefined ? {} : ifRevisionHeader(flags.ifRevision)
      return withSession(registry, command, async (session) => {
        const answer = await session.client.send({ method: 'DELETE', path: keyPath(key), headers })
        const deleted = { ...jsonKey(key), deleted: Number(answer.headers['flotilla-deleted'] ?? 0) }
        await session.print({
          document: deleted,
          items: [deleted],
          columns: COLUMNS,
          table: () => (deleted.deleted > 0 ? 'deleted' : 'nothing to delete: the key did not exist'),
          raw: answer.body,
        })
      })
    })
}
