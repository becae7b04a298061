/** Shard ids as arguments. */
import { parseWhole } from '../cli/index.ts'

export function parseShardId(text: string): number {
  return parseWhole('the shard id', text, 1, Number.MAX_SAFE_INTEGER)
}
