/**
 * How well text can be read: its contrast with what is painted behind it, as WCAG 2.2 (1.4.3) counts it, for every text of a page that can be seen. The page only
 * says colours; all arithmetic is here. Images behind text are not looked at.
 */
import type { Page } from 'playwright-core'

type Colour = readonly [red: number, green: number, blue: number, alpha: number]

interface Layer {
  readonly background: string
  readonly opacity: string
}

interface SeenText {
  readonly text: string
  readonly where: string
  readonly colour: string
  readonly fontPixels: number
  readonly fontWeight: number
  /** From the root to the element itself. */
  readonly layers: readonly Layer[]
}

/** Level AA. Large: 24 pixels, or bold from 18.66. */
const RATIO_MIN = 4.5
const RATIO_MIN_LARGE = 3
const LARGE_PIXELS = 24
const LARGE_BOLD_PIXELS = 18.66
const BOLD = 700
const WHITE: Colour = [1, 1, 1, 1]

/** The topmost dialog, where one is open: what lies below it is meant to be out of reach. Controls that are off are exempt by the rule itself. */
const COLLECT = `(() => {
  const root = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT)
  const seen = []
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement
    if (node.textContent.trim() === '' || element.closest(':disabled, option, script, style, .skip') !== null) continue
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue
    const style = getComputedStyle(element)
    const layers = []
    for (let each = element; each !== null; each = each.parentElement) {
      const { backgroundColor, opacity } = getComputedStyle(each)
      layers.unshift({ background: backgroundColor, opacity })
    }
    seen.push({
      text: node.textContent.trim().slice(0, 60),
      where: element.tagName.toLowerCase() + '.' + element.getAttribute('class'),
      colour: element instanceof SVGElement ? style.fill : style.color,
      fontPixels: Number.parseFloat(style.fontSize),
      fontWeight: Number(style.fontWeight),
      layers,
    })
  }
  return seen
})()`

/** One sentence for each text that is too faint; empty where all can be read. Throws where the page shows no text at all. */
export async function faintTexts(page: Page): Promise<string[]> {
  const seen = (await page.evaluate(COLLECT)) as readonly SeenText[]
  if (seen.length === 0) throw new Error('there is no text on the page')
  return [...new Set(seen.flatMap(complaint))]
}

function complaint({ text, where, colour, fontPixels, fontWeight, layers }: SeenText): string[] {
  let ground = WHITE
  let opacity = 1
  for (const layer of layers) {
    ground = over(parseColour(layer.background), ground)
    opacity *= Number(layer.opacity)
  }
  const [red, green, blue, alpha] = parseColour(colour)
  const ratio = contrast(over([red, green, blue, alpha * opacity], ground), ground)
  const isLarge = fontPixels >= LARGE_PIXELS || (fontPixels >= LARGE_BOLD_PIXELS && fontWeight >= BOLD)
  const enough = isLarge ? RATIO_MIN_LARGE : RATIO_MIN
  return ratio >= enough ? [] : [`${JSON.stringify(text)} (${where}) has contrast ${ratio.toFixed(2)}, not ${enough}`]
}

/** As browsers spell what they computed: `rgb(0, 0, 0)`, `rgba(0, 0, 0, 0.5)`, `color(srgb 0 0 0 / 0.5)`. */
export function parseColour(text: string): Colour {
  const match = /^(rgba?|color)\((?:srgb )?([^)]*)\)$/.exec(text)
  const numbers = (match?.[2] ?? '').split(/[\s,/]+/).map(Number)
  const [red, green, blue, alpha = 1] = numbers
  if (red === undefined || green === undefined || blue === undefined || numbers.some(Number.isNaN)) {
    throw new Error(`${text} is no colour that is known here`)
  }
  const scale = match?.[1] === 'color' ? 1 : 255
  return [red / scale, green / scale, blue / scale, alpha]
}

function over([red, green, blue, alpha]: Colour, below: Colour): Colour {
  const mix = (top: number, bottom: number): number => top * alpha + bottom * (1 - alpha)
  return [mix(red, below[0]), mix(green, below[1]), mix(blue, below[2]), 1]
}

/** From 1 (the same) to 21 (black on white). */
export function contrast(a: Colour, b: Colour): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (high + 0.05) / (low + 0.05)
}

function luminance([red, green, blue]: Colour): number {
  const linear = (part: number): number => (part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}
