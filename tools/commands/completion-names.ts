/**
 * `flotilla completion names KIND`: what there is of a kind, a line each. The scripts that complete command lines ask for it while somebody types, so a cluster
 * that does not answer is one that has no names.
 */
import { printable, type Session, UsageError } from '../cli/index.ts'
import { NAME_KINDS, type NameKind } from '../completion/index.ts'

export async function namesOf(session: Session, kind: string): Promise<readonly string[]> {
  const known = NAME_KINDS.find((each) => each === kind)
  if (known === undefined) throw new UsageError(`there are no names of ${JSON.stringify(kind)}`, kind, NAME_KINDS)
  return (await listOf(session, known)).filter((name) => name === printable(name))
}

async function listOf(session: Session, kind: NameKind): Promise<string[]> {
  switch (kind) {
    case 'store':
      return idsOf(session, '/admin/stores', 'stores')
    case 'shard':
      return idsOf(session, '/admin/shards?limit=1000', 'shards')
    case 'operator':
      return idsOf(session, '/admin/operators', 'operators')
    case 'scheduler':
      return idsOf(session, '/admin/schedulers', 'schedulers')
    case 'setting':
      return Object.keys((await session.getJson<Readonly<Record<string, unknown>>>('/admin/config')).document)
    case 'subject': {
      const { ERROR_TABLE } = await import('../../src/protocol/index.ts')
      const ids = await Promise.all([listOf(session, 'store'), listOf(session, 'shard')]).catch(() => [])
      return [...ids.flat(), ...Object.keys(ERROR_TABLE)]
    }
  }
}

async function idsOf(session: Session, path: string, list: string): Promise<string[]> {
  type Item = { readonly id?: string | number; readonly name?: string }
  const { document } = await session.getJson<Readonly<Record<string, readonly Item[]>>>(path)
  return (document[list] ?? []).map(({ id, name }) => String(id ?? name))
}
