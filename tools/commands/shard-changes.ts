/** `flotilla shard split|merge|move|transfer-leader|add-replica|remove-replica|compact|snapshot`: operators on one shard. */
import type { Command } from 'commander'
import { keyArgument, UsageError } from '../cli/index.ts'
import { type OperatorFlags, operatorOptions, requestOperator } from './operator-request.ts'
import { examples, type Registry } from './registry.ts'
import { parseShardId } from './shard-id.ts'

export function addShardChanges(shard: Command, registry: Registry): void {
  const send = (command: Command, flags: OperatorFlags, kind: string, id: string, body: object): Promise<void> => {
    const number = parseShardId(id)
    const request = { path: `/admin/shards/${number}/${kind}`, body, lookAt: `flotilla shard show ${number}` }
    return requestOperator(registry, command, flags, request)
  }
  operatorOptions(shard.command('transfer-leader'))
    .description('let another store lead a shard')
    .argument('<id>', 'the id of the shard')
    .argument('<store>', 'the id of a store that holds a replica')
    .addHelpText(
      'after',
      examples(
        'flotilla shard transfer-leader 2 s3',
        'flotilla shard transfer-leader 2 s3 --wait=10s',
        'flotilla shard transfer-leader 2 s3 --dry-run',
      ),
    )
    .action((id: string, store: string, flags: OperatorFlags, command: Command) =>
      send(command, flags, 'transfer-leader', id, { store }),
    )
  operatorOptions(shard.command('move'))
    .description('move a replica of a shard to another store')
    .argument('<id>', 'the id of the shard')
    .argument('<from>', 'the store that gives its replica away')
    .argument('<to>', 'the store that gets one')
    .addHelpText('after', examples('flotilla shard move 2 s1 s4 --dry-run', 'flotilla shard move 2 s1 s4 --wait'))
    .action((id: string, from: string, to: string, flags: OperatorFlags, command: Command) =>
      send(command, flags, 'move', id, { from, to }),
    )
  operatorOptions(shard.command('add-replica'))
    .description('add a replica of a shard')
    .argument('<id>', 'the id of the shard')
    .argument('<store>', 'the store that gets it')
    .option('--learner', 'it keeps the data and has no vote')
    .addHelpText('after', examples('flotilla shard add-replica 2 s4', 'flotilla shard add-replica 2 s4 --learner'))
    .action((id: string, store: string, flags: OperatorFlags & { learner?: true }, command: Command) =>
      send(command, flags, 'add-replica', id, { store, role: flags.learner === true ? 'learner' : 'voter' }),
    )
  operatorOptions(shard.command('remove-replica'))
    .description('remove a replica of a shard')
    .argument('<id>', 'the id of the shard')
    .argument('<store>', 'the store that holds it')
    .addHelpText('after', examples('flotilla shard remove-replica 2 s4'))
    .action((id: string, store: string, flags: OperatorFlags, command: Command) =>
      send(command, flags, 'remove-replica', id, { store }),
    )
  operatorOptions(shard.command('split'))
    .description('split a shard in two, at a key or in its middle')
    .argument('<id>', 'the id of the shard')
    .argument('[key]', 'the first key of the right half; without one, the middle is found')
    .option('--key-base64', 'the key is given as base64')
    .option('--policy <policy>', 'where the middle is: size or load')
    .addHelpText('after', examples('flotilla shard split 2', 'flotilla shard split 2 m --wait'))
    .action(
      (
        id: string,
        key: string | undefined,
        flags: OperatorFlags & { keyBase64?: true; policy?: string },
        command: Command,
      ) => send(command, flags, 'split', id, splitBody(key, flags.keyBase64 === true, flags.policy)),
    )
  operatorOptions(shard.command('merge'))
    .description('merge a shard with its neighbour; the left one of the two survives')
    .argument('<id>', 'the id of the shard')
    .argument('[with]', 'the neighbour; the right one when absent')
    .addHelpText('after', examples('flotilla shard merge 2', 'flotilla shard merge 2 3 --dry-run'))
    .action((id: string, other: string | undefined, flags: OperatorFlags, command: Command) =>
      send(command, flags, 'merge', id, other === undefined ? {} : { with: parseShardId(other) }),
    )
  addShardUpkeep(shard, registry)
}

/** Upkeep by hand. */
function addShardUpkeep(shard: Command, registry: Registry): void {
  operatorOptions(shard.command('compact'))
    .description('shorten the log of a shard now, on each of its stores')
    .argument('<id>', 'the id of the shard')
    .addHelpText('after', examples('flotilla shard compact 2', 'flotilla shard compact 2 --dry-run'))
    .action((id: string, flags: OperatorFlags, command: Command) =>
      requestOperator(registry, command, flags, {
        path: `/admin/shards/${parseShardId(id)}/compact`,
        body: {},
        lookAt: `flotilla shard show ${id}`,
      }),
    )
  operatorOptions(shard.command('snapshot'))
    .description('make durable in the engine, now, what is applied: what a restart begins with')
    .argument('[id]', 'the id of the shard; without one, everything on every store')
    .addHelpText('after', examples('flotilla shard snapshot 2 --wait', 'flotilla shard snapshot --dry-run'))
    .action((id: string | undefined, flags: OperatorFlags, command: Command) =>
      requestOperator(registry, command, flags, {
        path: '/admin/snapshot',
        body: id === undefined ? {} : { shard: parseShardId(id) },
        lookAt: 'flotilla store ls',
      }),
    )
}

function splitBody(key: string | undefined, isBase64: boolean, policy: string | undefined): object {
  if (policy !== undefined && policy !== 'size' && policy !== 'load') {
    throw new UsageError(`--policy ${JSON.stringify(policy)} is neither size nor load`)
  }
  if (key === undefined) return policy === undefined ? {} : { policy }
  if (policy !== undefined) throw new UsageError('a split has a key or a --policy, not both')
  return { key: Buffer.from(keyArgument(key, isBase64)).toString('base64'), keyEncoding: 'base64' }
}
