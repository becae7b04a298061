/** Every decoder of the program in one list, and what keeps the list complete: a name that reads like a decoder and is not in it is a mistake. */
import type { Repository } from '../tidy/repository.ts'
import type { Decoder } from './decoder.ts'
import { HISTORY_DECODERS } from './history-decoders.ts'
import { SNAPSHOT_DECODERS } from './snapshot-decoders.ts'
import { STATE_DECODERS } from './state-decoders.ts'
import { TEXT_DECODERS } from './text-decoders.ts'
import { WIRE_DECODERS } from './wire-decoders.ts'

export const DECODERS: readonly Decoder[] = [
  ...WIRE_DECODERS,
  ...STATE_DECODERS,
  ...SNAPSHOT_DECODERS,
  ...HISTORY_DECODERS,
  ...TEXT_DECODERS,
]

/** Names like those of decoders that read nothing from outside. */
const NO_DECODERS: Readonly<Record<string, string>> = {
  'src/machine/byte-reader.ts#ByteReader': 'the tool of decoders; each of its readers is in the table',
  'src/protocol/decoded.ts#decoded': 'makes the result of a decoder',
  'src/machine/kv/command.ts#readsRecord': 'asks something of a decoded operation',
  'src/server/read-metrics.ts#readMetrics': 'reads counters of this process',
  'src/base/bytes.ts#utf8Decode': 'answers any bytes with text or undefined; all that hold text go through it',
  'src/testing/check/scans.ts#readsOfPage': 'makes reads of a page, which is no bytes',
  'src/testing/check/stale-reads.ts#readOfStaleRead': 'makes a read of a stale one',
}

const LOOKS_LIKE_A_DECODER =
  /^export (?:async )?(?:function ((?:decode|parse|read)\w*|check(?:Json|Msgpack)Shape|\w+FromPlain|\w+FromPathText|\w+[dD]ecode)\(|class (\w+(?:Reader|Parser|Decoder|Verifier)|Assembly|Query) )/gm

/** `path#name` of every export that looks like a decoder and is neither in the table nor known to be none. */
export function missingDecoders({ sources }: Repository, decoders: readonly Decoder[]): string[] {
  const covered = new Set(decoders.flatMap(({ covers }) => covers))
  const missing: string[] = []
  for (const { path, text } of sources) {
    if (!path.startsWith('src/') && !path.startsWith('shard-map/')) continue
    for (const match of text.matchAll(LOOKS_LIKE_A_DECODER)) {
      const name = `${path}#${match[1] ?? match[2]}`
      if (!covered.has(name) && NO_DECODERS[name] === undefined) missing.push(name)
    }
  }
  return missing
}

/** What the table says it covers and no source exports. */
export function vanishedDecoders({ sources }: Repository, decoders: readonly Decoder[]): string[] {
  const texts = new Map(sources.map(({ path, text }) => [path, text]))
  return decoders.flatMap(({ covers }) =>
    covers.filter((name) => {
      const [path = '', symbol = ''] = name.split('#')
      return !new RegExp(`^export (?:async )?(?:function|class) ${symbol}\\b`, 'm').test(texts.get(path) ?? '')
    }),
  )
}
