/**
 * Paints a heat map on a canvas: one pixel for each cell, scaled by the browser. Colours come from the style sheet, so that they follow light and dark.
 */
import { type Heat, type HeatGrid, type Window, warmth } from './heat.ts'

const STOPS = 5

export function paintHeat(canvas: HTMLCanvasElement, grid: HeatGrid, window: Window, heat: Heat): void {
  const width = window.toStep - window.fromStep
  const height = window.toRow - window.fromRow
  const context = canvas.getContext('2d')
  if (width < 1 || height < 1 || context === null) return
  if (canvas.width !== width) canvas.width = width
  if (canvas.height !== height) canvas.height = height
  const stops = colourStops(canvas)
  const highest = grid.highest(heat, window)
  const image = context.createImageData(width, height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = grid.value(heat, { step: window.fromStep + x, row: window.fromRow + y })
      image.data.set(colourAt(stops, warmth(value, highest)), (y * width + x) * 4)
    }
  }
  context.putImageData(image, 0, 0)
}

type Colour = readonly [red: number, green: number, blue: number]

/** What the browser makes of `--heat-0` to `--heat-4` now. */
function colourStops(canvas: HTMLCanvasElement): Colour[] {
  const probe = document.createElement('i')
  canvas.parentElement?.append(probe)
  const stops = Array.from({ length: STOPS }, (_, position): Colour => {
    probe.style.setProperty('color', `var(--heat-${position})`)
    const [red = 0, green = 0, blue = 0] = (getComputedStyle(probe).color.match(/[\d.]+/g) ?? []).map(Number)
    return [red, green, blue]
  })
  probe.remove()
  return stops
}

function colourAt(stops: readonly Colour[], part: number): readonly number[] {
  const place = part * (stops.length - 1)
  const lower = Math.min(Math.floor(place), stops.length - 2)
  const [from, to] = [stops[lower] ?? [0, 0, 0], stops[lower + 1] ?? [0, 0, 0]]
  const mix = (index: 0 | 1 | 2): number => Math.round(from[index] + (to[index] - from[index]) * (place - lower))
  return [mix(0), mix(1), mix(2), 255]
}
