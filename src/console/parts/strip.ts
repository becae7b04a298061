/**
 * The key space as one strip: each shard a piece, wide as it is large, in the colour of the store that leads it. Pieces keep their identity, so that
 * splits, merges and moves can be seen happening.
 */
import type { Operator, Shard } from '../api/shapes.ts'
import { link } from '../app/route.ts'
import { h, type VirtualNode } from '../dom/node.ts'
import { bytes, rate } from './format.ts'
import { boundText } from './keys.ts'
import type { Palette } from './palette.ts'

/** More pieces than this are not to be told apart. */
const PIECES_MAX = 240
/** Of the width, shared equally, so that empty shards can be seen too. */
const EQUAL_SHARE = 0.3

export interface Piece {
  /** In key order, at least one. */
  readonly shards: readonly Shard[]
  /** Relative to all others. */
  readonly width: number
}

/** Shards in the order of their keys, without the placement driver. */
export function inKeyOrder(shards: readonly Shard[]): Shard[] {
  const data = shards.filter(({ kind }) => kind === 'data')
  return data.sort((a, b) => (startOf(a) < startOf(b) ? -1 : 1))
}

/** Percent-encoded text does not sort as its bytes do. */
function startOf(shard: Shard): string {
  return (shard.start ?? '').replace(/%([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

/** Neighbours are drawn as one piece where there are too many. */
export function piecesOf(shards: readonly Shard[], piecesMax = PIECES_MAX): Piece[] {
  const ordered = inKeyOrder(shards)
  const total = ordered.reduce((sum, shard) => sum + shard.bytes, 0)
  const equal = ordered.length === 0 ? 0 : EQUAL_SHARE / ordered.length
  const widthOf = (shard: Shard): number =>
    total === 0 ? 1 / ordered.length : equal + (1 - EQUAL_SHARE) * (shard.bytes / total)
  const together = Math.ceil(ordered.length / piecesMax)
  const pieces: Piece[] = []
  for (let i = 0; i < ordered.length; i += together) {
    const group = ordered.slice(i, i + together)
    pieces.push({ shards: group, width: group.reduce((sum, shard) => sum + widthOf(shard), 0) })
  }
  return pieces
}

export interface StripOptions {
  readonly palette: Palette
  readonly operators: readonly Operator[]
  /** Drawn with a frame. */
  readonly marked?: number
  readonly isSmall?: boolean
}

export function strip(shards: readonly Shard[], options: StripOptions): VirtualNode {
  const pieces = piecesOf(shards)
  const busy = new Set(options.operators.filter(({ state }) => state === 'running').map(({ shard }) => shard))
  return h(
    'div.strip',
    { class: options.isSmall ? 'small' : undefined },
    h(
      'div.pieces',
      { role: 'group', 'aria-label': 'Shards in key order' },
      pieces.map((piece) => pieceNode(piece, pieces.length, busy, options)),
    ),
    h('div.ends', { 'aria-hidden': 'true' }, h('span', 'lowest key'), h('span', 'highest key')),
  )
}

function pieceNode(
  { shards, width }: Piece,
  pieces: number,
  busy: ReadonlySet<number | undefined>,
  { palette, marked }: StripOptions,
): VirtualNode {
  const [first] = shards
  const isBusy = shards.some(({ id }) => busy.has(id))
  const isMarked = shards.some(({ id }) => id === marked)
  const words = describe(shards)
  const className = [palette.of(first?.leader ?? null), isBusy && 'busy', isMarked && 'marked']
    .filter(Boolean)
    .join(' ')
  return h(
    'a',
    {
      key: first?.id ?? 0,
      class: className,
      href: link('shards', String(first?.id ?? '')),
      style: { 'flex-grow': String(Math.round(width * 1e6) / 1e3) },
      title: words,
      'aria-label': words,
    },
    pieces <= 40 && h('span.id', { 'aria-hidden': 'true' }, String(first?.id ?? '')),
    pieces <= 16 && first?.start !== '' && h('span.from', { 'aria-hidden': 'true' }, boundText(first?.start, 'lowest')),
  )
}

function describe(shards: readonly Shard[]): string {
  const [first] = shards
  const last = shards.at(-1)
  const range = `${boundText(first?.start, 'lowest')} to ${boundText(last?.end, 'highest')}`
  const size = bytes(shards.reduce((sum, shard) => sum + shard.bytes, 0))
  const load = shards.reduce((sum, shard) => sum + shard.load.readsPerSecond + shard.load.writesPerSecond, 0)
  const name = shards.length === 1 ? `Shard ${first?.id}` : `${shards.length} shards from ${first?.id}`
  return `${name}: ${range}, ${size}, ${rate(load)}, led by ${first?.leader ?? 'nobody'}`
}
