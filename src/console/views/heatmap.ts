/**
 * Which keys were busy when: keys downwards, time to the right, colour for requests per second. A rectangle that is dragged comes closer; the cell that
 * was chosen can be split at. What is looked at is part of the link.
 */
import { asFailure } from '../api/client.ts'
import type { Heatmap, Shard } from '../api/shapes.ts'
import { Loaded } from '../app/loaded.ts'
import type { Context, Page } from '../app/page.ts'
import { link, type Route } from '../app/route.ts'
import { type Child, h, type VirtualNode } from '../dom/node.ts'
import { act } from '../parts/action.ts'
import { clockTime, count, rate, zone } from '../parts/format.ts'
import { between, type Cell, clamped, closer, type Heat, HeatGrid, type Window } from '../parts/heat.ts'
import { paintHeat } from '../parts/heat-canvas.ts'
import { cellOf, cellQuery, windowOf, windowQuery } from '../parts/heat-link.ts'
import { boundText } from '../parts/keys.ts'
import { button, card, choices, facts, heading, shown } from '../parts/pieces.ts'
import { splitAction } from '../parts/shard-actions.ts'

const ROW_LABELS = 8
const STEP_LABELS = 5
const LABEL_END_CHARS = 6

export function openHeatmap(context: Context, route: Route): Page {
  return new HeatmapPage(context, route)
}

class HeatmapPage implements Page {
  readonly title = 'Heat map'
  readonly #context: Context
  readonly #grid
  #heat: Heat
  /** Undefined: all of it, also when it grows. */
  #window: Window | undefined
  /** What the link names, until there is a map to find it in. */
  #named: URLSearchParams | undefined
  /** The link named what the map no longer has. */
  #isGone = false
  #chosen: Cell | undefined
  #dragFrom: Cell | undefined
  #dragTo: Cell | undefined
  /** Under the pointer. */
  #pointed: Cell | undefined

  constructor(context: Context, route: Route) {
    this.#context = context
    const heat = route.query.get('of')
    this.#heat = heat === 'reads' || heat === 'writes' ? heat : 'both'
    this.#named = route.query
    this.#grid = new Loaded(context.redraw, async () => {
      const grid = new HeatGrid(await context.client.json<Heatmap>('admin/heatmap'))
      if (!grid.isEmpty) this.#find(grid)
      return grid
    })
  }

  #find(grid: HeatGrid): void {
    if (this.#named === undefined) return
    const window = windowOf(grid, this.#named)
    this.#chosen = cellOf(grid, this.#named)
    this.#named = undefined
    if (window === 'gone') this.#isGone = true
    else this.#window = window
  }

  /** Into the link. */
  #rename(): void {
    const grid = this.#grid.value
    const query = grid === undefined ? {} : { ...windowQuery(grid, this.#window), ...cellQuery(grid, this.#chosen) }
    this.#context.rename(link('heatmap', '', { of: this.#heat === 'both' ? undefined : this.#heat, ...query }))
  }

  #look(window: Window | undefined): void {
    this.#window = window
    this.#isGone = false
    this.#rename()
  }

  #choose(cell: Cell): void {
    this.#chosen = cell
    this.#rename()
  }

  refresh(): Promise<void> {
    // What is looked at closely does not move away.
    return this.#window === undefined || this.#grid.value === undefined ? this.#grid.load() : Promise.resolve()
  }

  render(): Child {
    return [
      heading(
        'Heat map',
        choices<Heat>(
          'Requests',
          [
            { value: 'both', words: 'Both' },
            { value: 'reads', words: 'Reads' },
            { value: 'writes', words: 'Writes' },
          ],
          this.#heat,
          (heat) => {
            this.#heat = heat
            this.#rename()
          },
        ),
        this.#window !== undefined &&
          button('Show all', () => {
            this.#look(undefined)
            void this.#grid.load()
          }),
      ),
      shown(this.#grid, (grid) =>
        grid.isEmpty
          ? card(
              undefined,
              h(
                'p.empty',
                'Nothing was measured yet. The placement driver looks every few seconds, and its next leader begins anew.',
              ),
            )
          : [
              this.#isGone && h('p.notice.warn', 'The map no longer has what the link names; this is all of it.'),
              card(`Requests per second: keys downwards, time (${zone(this.#nowMs)}) to the right`, this.#map(grid)),
              this.#detail(grid),
            ],
      ),
    ]
  }

  get #nowMs(): number {
    return this.#context.world.nowMs()
  }

  #map(grid: HeatGrid): Child {
    const window = clamped(this.#window ?? grid.whole, grid.whole)
    const highest = grid.highest(this.#heat, window)
    return [
      h(
        'div.heat',
        h('div.rows-axis', { 'aria-hidden': 'true' }, this.#rowLabels(grid, window)),
        h(
          'div.field-of-heat',
          {
            tabindex: '0',
            role: 'application',
            'aria-label': 'Heat map: arrow keys choose a cell, Enter comes closer, Escape shows all',
            onpointerdown: (event: Event) => this.#press(event as PointerEvent, window),
            onpointermove: (event: Event) => this.#drag(event as PointerEvent, window),
            onpointerup: () => this.#release(grid),
            onpointerleave: () => {
              this.#pointed = undefined
            },
            onkeydown: (event: Event) => this.#key(event as KeyboardEvent, grid, window),
          },
          h('canvas', { drawn: (element) => paintHeat(element as HTMLCanvasElement, grid, window, this.#heat) }),
          this.#dragFrom !== undefined &&
            this.#dragTo !== undefined &&
            frame('drag', between(this.#dragFrom, this.#dragTo), window),
          this.#chosen !== undefined && frame('chosen', between(this.#chosen, this.#chosen), window),
        ),
        h('div.steps-axis', { 'aria-hidden': 'true' }, stepLabels(grid, window)),
      ),
      h(
        'div.under',
        h('p.muted.pointed', this.#pointedWords(grid)),
        h('p.muted.scale', '0 ', h('i.ramp', { 'aria-hidden': 'true' }), ` ${count(highest)} per second`),
      ),
    ]
  }

  #rowLabels(grid: HeatGrid, window: Window): VirtualNode[] {
    const rows = window.toRow - window.fromRow
    const every = Math.max(1, Math.ceil(rows / ROW_LABELS))
    return Array.from({ length: Math.ceil(rows / every) }, (_, position) => {
      const row = window.fromRow + position * every
      const text = boundText(grid.start(row), 'lowest')
      // Neighbours differ at their ends, so what has no room is left out before that.
      return h(
        'span',
        { key: position, title: text, style: { top: `${(100 * position * every) / rows}%` } },
        h('i', text.slice(0, -LABEL_END_CHARS)),
        text.slice(-LABEL_END_CHARS),
      )
    })
  }

  #cellAt(event: PointerEvent, window: Window): Cell {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect()
    const part = (value: number): number => Math.max(0, Math.min(0.999_999, value))
    const x = part((event.clientX - box.left) / box.width)
    const y = part((event.clientY - box.top) / box.height)
    return {
      step: window.fromStep + Math.floor(x * (window.toStep - window.fromStep)),
      row: window.fromRow + Math.floor(y * (window.toRow - window.fromRow)),
    }
  }

  #press(event: PointerEvent, window: Window): void {
    ;(event.currentTarget as HTMLElement).setPointerCapture(event.pointerId)
    this.#dragFrom = this.#cellAt(event, window)
    this.#dragTo = this.#dragFrom
  }

  #drag(event: PointerEvent, window: Window): void {
    this.#pointed = this.#cellAt(event, window)
    if (this.#dragFrom !== undefined) this.#dragTo = this.#pointed
  }

  #pointedWords(grid: HeatGrid): Child {
    const cell = this.#pointed
    if (cell === undefined || cell.row >= grid.rows || cell.step >= grid.steps)
      return 'Drag to come closer; click to choose a cell.'
    return [
      h('b', rate(grid.value(this.#heat, cell))),
      ` at ${timeOf(grid, cell.step, this.#nowMs)}, keys from `,
      h('code', boundText(grid.start(cell.row), 'lowest')),
      ' to ',
      h('code', boundText(grid.end(cell.row), 'highest')),
    ]
  }

  #release(grid: HeatGrid): void {
    const [from, to] = [this.#dragFrom, this.#dragTo]
    this.#dragFrom = undefined
    this.#dragTo = undefined
    if (from === undefined || to === undefined) return
    if (from.step === to.step && from.row === to.row) this.#choose(from)
    else this.#look(clamped(between(from, to), grid.whole))
  }

  #key(event: KeyboardEvent, grid: HeatGrid, window: Window): void {
    const cell = this.#chosen ?? { step: window.fromStep, row: window.fromRow }
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
    if (move !== undefined) {
      const [steps = 0, rows = 0] = move
      this.#choose({
        step: Math.max(window.fromStep, Math.min(window.toStep - 1, cell.step + steps)),
        row: Math.max(window.fromRow, Math.min(window.toRow - 1, cell.row + rows)),
      })
    } else if (event.key === 'Enter') this.#look(closer(window, cell, grid.whole))
    else if (event.key === 'Escape') this.#look(undefined)
    else return
    event.preventDefault()
  }

  #detail(grid: HeatGrid): Child {
    const cell = this.#chosen
    if (cell === undefined) return null
    const start = grid.start(cell.row)
    return card(
      'The chosen cell',
      facts(
        ['Keys from', h('code', boundText(start, 'lowest'))],
        ['Up to', h('code', boundText(grid.end(cell.row), 'highest'))],
        ['At', timeOf(grid, cell.step, this.#nowMs)],
        ['Reads', rate(grid.value('reads', cell))],
        ['Writes', rate(grid.value('writes', cell))],
      ),
      h(
        'div.row.under-facts',
        button('Come closer', () => {
          this.#look(closer(clamped(this.#window ?? grid.whole, grid.whole), cell, grid.whole))
        }),
        button('Split here …', () => void this.#split(start), { disabled: start === '' }),
      ),
    )
  }

  /** Cuts the shard that holds the key right before it. */
  async #split(start: string): Promise<void> {
    try {
      const { shard } = await this.#context.client.json<{ shard: Shard }>(`admin/shards/lookup?key=${start}`)
      act(this.#context, splitAction(shard, start))
    } catch (error) {
      this.#context.tell(asFailure(error).message)
    }
  }
}

function stepLabels(grid: HeatGrid, window: Window): VirtualNode[] {
  const steps = window.toStep - window.fromStep
  return Array.from({ length: STEP_LABELS + 1 }, (_, position) => {
    const step = window.fromStep + (position * steps) / STEP_LABELS
    return h('span', { key: position }, timeOf(grid, step, grid.stepMs(step)))
  })
}

/** To the second, with the day where it is not that of `nowMs`. */
function timeOf(grid: HeatGrid, step: number, nowMs: number): string {
  return clockTime(new Date(grid.stepMs(step)).toISOString(), nowMs).replace(/\.\d+$/, '')
}

function frame(name: string, part: Window, window: Window): VirtualNode {
  const steps = window.toStep - window.fromStep
  const rows = window.toRow - window.fromRow
  return h(`i.frame-of-heat.${name}`, {
    key: name,
    style: {
      left: `${(100 * (part.fromStep - window.fromStep)) / steps}%`,
      width: `${(100 * (part.toStep - part.fromStep)) / steps}%`,
      top: `${(100 * (part.fromRow - window.fromRow)) / rows}%`,
      height: `${(100 * (part.toRow - part.fromRow)) / rows}%`,
    },
  })
}
