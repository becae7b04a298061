import type { Key } from '../../../shard-map/index.ts'
import { decodeKvCommand } from './command.ts'

/**
 * Which keys a command names, for whoever samples what a shard is asked for. It decodes the command once more, so it is for one command in many. Of a range
 * delete the first key stands for all; what is no key-value command names none.
 */
export function commandKeys(bytes: Uint8Array): readonly Key[] {
  const command = decodeKvCommand(bytes)
  switch (command.kind) {
    case 'operations':
      return command.operations.map(({ key }) => key)
    case 'delete-range':
      return [command.start]
    case 'malformed':
      return []
  }
}
