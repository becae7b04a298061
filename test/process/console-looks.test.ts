/**
 * Whether every page and dialog of the console can be read: contrast of all text, nothing wider than the window, a focus that can be seen, in light and dark, on
 * a desk and on a phone. Pictures of what was seen are in `.artifacts/console`.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { electionCalls, heatmapAnswer } from '../console/answers.ts'
import { consoleStory } from '../console/story.ts'
import { assertFits, CHROMIUM_ABSENT, findChromium, openViewer, picture, type Viewer } from '../support/browser.ts'
import { contrast, faintTexts, parseColour } from '../support/contrast.ts'

const CHROMIUM = findChromium()
if (CHROMIUM === undefined) console.log(CHROMIUM_ABSENT)

const PAGES = [
  '',
  'shards',
  'shards/1',
  'shards/2',
  'heatmap',
  'stores',
  'stores/s1',
  'operators',
  'events',
  'rpc',
  'election/2?term=3',
  'data?prefix=fruit%2F&key=fruit%2F7',
  'settings',
  'nowhere',
] as const

interface Asked {
  readonly name: string
  readonly route: string
  readonly button: string
  /** Fills in what is refused. */
  readonly spoil?: (page: Page) => Promise<void>
}

const DIALOGS: readonly Asked[] = [
  { name: 'split', route: 'shards/2', button: 'Split …' },
  {
    name: 'split-refused',
    route: 'shards/3',
    button: 'Split …',
    spoil: async (page) => {
      await page.getByLabel('Where').selectOption('bytes')
      await page.getByLabel('First key').fill('%00')
      await page.getByRole('dialog').getByText('INVALID_ARGUMENT').waitFor()
    },
  },
  { name: 'merge', route: 'shards/2', button: 'Merge …' },
  { name: 'decommission', route: 'stores/s2', button: 'Decommission …' },
  { name: 'pause', route: 'operators', button: 'Pause …' },
  { name: 'rebalance', route: 'operators', button: 'Rebalance now …' },
  { name: 'setting', route: 'settings?filter=placement', button: 'Change …' },
  { name: 'new-key', route: 'data', button: 'New key …' },
]

const WAYS = [
  { name: 'light', options: {} },
  { name: 'dark', options: { dark: true } },
  { name: 'phone-light', options: { phone: true } },
  { name: 'phone-dark', options: { phone: true, dark: true } },
] as const

it('contrast is counted as the rule says', () => {
  const of = (a: string, b: string): string => contrast(parseColour(a), parseColour(b)).toFixed(2)
  assert.equal(of('rgb(0, 0, 0)', 'rgb(255, 255, 255)'), '21.00')
  assert.equal(of('rgb(255, 255, 255)', 'color(srgb 1 1 1)'), '1.00')
  assert.equal(of('rgb(119, 119, 119)', 'rgb(255, 255, 255)'), '4.48')
  assert.deepEqual(parseColour('rgba(255, 0, 51, 0.5)'), [1, 0, 0.2, 0.5])
  assert.throws(() => parseColour('oklch(0 0 0)'))
})

describe('the looks of the console', { skip: CHROMIUM === undefined ? CHROMIUM_ABSENT : false }, () => {
  const story = consoleStory({ shards: 3 })

  for (const { name, options } of WAYS) {
    it(`everything can be read: ${name}`, async () => {
      const viewer = await openViewer(story.browser(), options)
      const { page } = viewer
      await page.route('**/admin/heatmap', (route) => route.fulfill({ json: heatmapAnswer(Date.now()) }))
      const calls = electionCalls(2, 3, Date.now() - 60_000, story.cluster().ids)
      await page.route('**/rpc-log?*', (route) => route.fulfill({ json: { calls } }))
      for (const route of PAGES) {
        await story.visit(viewer, route)
        await page.locator('main .card, main .empty').first().waitFor()
        await page.locator('main .loading').first().waitFor({ state: 'detached' })
        await assertReadable(viewer, `${name}, ${route}`)
      }
      for (const asked of DIALOGS) {
        await story.visit(viewer, asked.route)
        await page.locator('main').getByRole('button', { name: asked.button }).first().click()
        const dialog = page.getByRole('dialog')
        await dialog.waitFor()
        if (asked.spoil !== undefined) await asked.spoil(page)
        await dialog.getByText('Asking …').waitFor({ state: 'detached' })
        await assertReadable(viewer, `${name}, dialog ${asked.name}`)
        await assertFocusSeen(page, asked.name)
        await picture(viewer, `dialog-${asked.name}-${name}`)
        await page.keyboard.press('Escape')
        await dialog.waitFor({ state: 'detached' })
      }
    })
  }
})

async function assertReadable(viewer: Viewer, where: string): Promise<void> {
  assert.deepEqual(await faintTexts(viewer.page), [], where)
  await assertFits(viewer, where)
}

/** Tab goes round within a dialog, and whatever has the focus has a ring. */
async function assertFocusSeen(page: Page, name: string): Promise<void> {
  const seen = new Set<string>()
  for (let i = 0; i < 8; i++) {
    await page.keyboard.press('Tab')
    const [where, style, width] = (await page.evaluate(`(() => {
      const element = document.activeElement
      if (element === document.body) return ['outside', '', '']
      const { outlineStyle, outlineWidth } = getComputedStyle(element)
      const isInside = element.closest('dialog') !== null
      return [isInside ? element.tagName + ' ' + element.textContent.slice(0, 20) : 'below the dialog', outlineStyle, outlineWidth]
    })()`)) as [string, string, string]
    // The browser's own bars come once in a round.
    if (where === 'outside') continue
    assert.notEqual(where, 'below the dialog', name)
    assert.ok(style === 'solid' && Number.parseFloat(width) >= 2, `${where} of ${name} shows no focus`)
    seen.add(where)
  }
  assert.ok(seen.size >= 3, `Tab reaches ${[...seen].join(', ')} of ${name}`)
}
