/**
 * A small curve of readings over the last minutes, without axes: it shows a shape, the number stands beside it.
 */
import type { Reading } from '../app/readings.ts'
import { h, type VirtualNode } from '../dom/node.ts'

const WIDTH = 160
const HEIGHT = 36
const SHOWN_MS_MAX = 5 * 60_000
/** A young page shows what it has, but no two readings as a cliff. */
const SHOWN_MS_MIN = 30_000

export function curve(readings: readonly Reading[], nowMs: number, words: string): VirtualNode {
  const recent = readings.filter(({ atMs }) => atMs >= nowMs - SHOWN_MS_MAX)
  const shownMs = Math.max(SHOWN_MS_MIN, nowMs - (recent[0]?.atMs ?? nowMs))
  const highest = Math.max(...recent.map(({ value }) => value), Number.MIN_VALUE)
  const points = recent.map(({ atMs, value }) => {
    const x = WIDTH * (1 - (nowMs - atMs) / shownMs)
    const y = HEIGHT - 2 - (HEIGHT - 6) * (value / highest)
    return `${x.toFixed(1)},${y.toFixed(1)}`
  })
  const [first] = points
  const area =
    first === undefined
      ? ''
      : `M${first.split(',')[0]},${HEIGHT} L${points.join(' L')} L${points.at(-1)?.split(',')[0]},${HEIGHT} Z`
  return h(
    'svg.curve',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': words },
    h('path.area', { d: area }),
    h('polyline', { points: points.join(' ') }),
  )
}
