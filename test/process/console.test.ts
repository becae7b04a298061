/**
 * The console in a real browser on a cluster of real processes: every view, every action, no complaint of the browser. Pictures of what was seen are
 * in `.artifacts/console`.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { electionCalls, heatmapAnswer, settingsAnswer } from '../console/answers.ts'
import { dataSteps } from '../console/data-steps.ts'
import { consoleStory } from '../console/story.ts'
import { assertFits, CHROMIUM_ABSENT, findChromium, openViewer, picture } from '../support/browser.ts'

const CHROMIUM = findChromium()
if (CHROMIUM === undefined) console.log(CHROMIUM_ABSENT)

const PAGE_BYTES_MAX = 150 * 1024

describe('the console', { skip: CHROMIUM === undefined ? CHROMIUM_ABSENT : false }, () => {
  // Shards are not merged by themselves while they are looked at.
  const story = consoleStory({ shards: 4, config: { placement: { merge: { bytes: 0 } } } })
  const { step, visit } = story

  step('loads with little, and nothing from elsewhere', async ({ page }) => {
    const loads: Promise<number>[] = []
    page.on('response', (answer) => {
      const { pathname, host } = new URL(answer.url())
      assert.equal(host, story.cluster().address('s1'))
      if (pathname.startsWith('/console'))
        loads.push(
          answer
            .request()
            .sizes()
            .then((sizes) => sizes.responseBodySize),
        )
    })
    await visit(story.viewer(), '')
    await page.getByText('every store answers').waitFor()
    const bytes = (await Promise.all(loads)).reduce((sum, each) => sum + each, 0)
    assert.ok(bytes > 10_000 && bytes < PAGE_BYTES_MAX, `${bytes} bytes were loaded`)
    page.removeAllListeners('response')
  })

  step('shows the cluster at a glance', async ({ page }) => {
    await visit(story.viewer(), '')
    await page.getByText('Healthy: every store answers and every shard has a leader.').waitFor()
    await page.getByRole('group', { name: 'Shards in key order' }).getByRole('link').nth(3).waitFor()
    for (const id of story.cluster().ids)
      await page.locator('main').getByRole('link', { name: id, exact: true }).first().waitFor()
    await picture(story.viewer(), 'overview')
  })

  step('shows where keys live, and finds the shard of one', async ({ page }) => {
    await page.getByRole('link', { name: 'Shard map', exact: true }).click()
    await page.getByRole('heading', { name: '4 shards' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('fruit/7')
    await page.keyboard.press('Enter')
    const { shard } = (await story.cluster().json('s1', '/admin/shards/lookup?key=fruit%2F7')) as {
      shard: { id: number }
    }
    await page.locator('a.found', { hasText: `shard ${shard.id}` }).waitFor()
    await picture(story.viewer(), 'shard-map')
  })

  step('splits a shard after showing what would happen', async ({ page }) => {
    const { shard } = (await story.cluster().json('s1', '/admin/shards/lookup?key=fruit%2F7')) as {
      shard: { id: number }
    }
    await visit(story.viewer(), `shards/${shard.id}`)
    await page.getByRole('table', { name: 'Members' }).getByText('leads').waitFor()
    await page.getByRole('table', { name: 'Logs' }).getByText('follower').first().waitFor()
    await page.getByRole('button', { name: 'Split' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('by size').waitFor()
    await picture(story.viewer(), 'split')
    await dialog.getByLabel('Where').selectOption('key')
    await dialog.getByText('A key is needed.').waitFor()
    assert.equal(await dialog.getByRole('button', { name: 'Split', exact: true }).isDisabled(), true)
    await dialog.getByLabel('First key').fill('fruit/15')
    await dialog.locator('.steps').getByText(`split shard ${shard.id}`).waitFor()
    await dialog
      .getByText(`flotilla shard split ${shard.id} fruit/15 -e http://${story.cluster().address('s1')}`)
      .waitFor()
    await dialog.getByRole('button', { name: 'Split', exact: true }).click()
    await dialog.getByText('finished').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await visit(story.viewer(), 'shards')
    await page.getByRole('heading', { name: '5 shards' }).waitFor()
  })

  step('hands a leader over, and says what became of it', async ({ page }) => {
    const { shards } = (await story.cluster().json('s1', '/admin/shards')) as {
      shards: { id: number; leader: string }[]
    }
    const last = shards.at(-1)
    assert.ok(last !== undefined)
    await visit(story.viewer(), `shards/${last.id}`)
    await page.getByRole('button', { name: 'Transfer leader' }).click()
    const dialog = page.getByRole('dialog')
    const target = await dialog.getByLabel('Next leader').inputValue()
    assert.notEqual(target, last.leader)
    await dialog.getByText(`let ${target} lead shard ${last.id}`).waitFor()
    await dialog.getByRole('button', { name: 'Transfer', exact: true }).click()
    await dialog.getByText('finished').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await page.getByRole('row', { name: `${target} voter, leads` }).waitFor()
    await picture(story.viewer(), 'shard')
  })

  step('drains a store and takes it back', async ({ page }) => {
    await visit(story.viewer(), 'stores')
    await page.getByRole('table', { name: 'Stores' }).getByRole('link', { name: 's2' }).click()
    await page.getByRole('button', { name: 'Drain' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('give away the leaders of store s2').waitFor()
    await dialog.getByRole('button', { name: 'Drain', exact: true }).click()
    await dialog.getByText('finished').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await page.getByRole('button', { name: 'Take back' }).click()
    await dialog.getByText('flotilla store recommission s2').waitFor()
    await dialog.getByRole('button', { name: 'Take back', exact: true }).click()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await page.locator('main').getByText('up', { exact: true }).waitFor()
    await picture(story.viewer(), 'store')
  })

  step('knows every figure of the process that it came from', async ({ page }) => {
    await visit(story.viewer(), 'stores/s1')
    const card = page.locator('main .card', { hasText: 'Its process' })
    await card.getByText('Damaged replicas').waitFor()
    assert.doesNotMatch((await card.textContent()) ?? '', /–|NaN|undefined/)
  })

  step('shows what became of operators, pauses a scheduler and lets it go on', async ({ page }) => {
    await visit(story.viewer(), 'operators')
    await page.getByRole('table', { name: 'Operators' }).getByText('drain').first().waitFor()
    const row = page.getByRole('row', { name: 'balance-leaders' })
    await row.getByRole('button', { name: 'Pause' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('starts no operator until').waitFor()
    await dialog.getByRole('button', { name: 'Pause', exact: true }).click()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await row.getByText('paused').waitFor()
    await picture(story.viewer(), 'operators')
    await row.getByRole('button', { name: 'Resume' }).click()
    await dialog.getByRole('button', { name: 'Resume', exact: true }).click()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await row.getByText('on', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Rebalance now' }).click()
    await dialog.getByText('flotilla rebalance run').waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  })

  dataSteps(story)

  step('shows events as they happen, filtered, as CSV, and an election as a sequence', async ({ page }) => {
    await visit(story.viewer(), 'events?type=leader_changed')
    const table = page.getByRole('table', { name: 'Events' })
    await table.getByText('leader changed').first().waitFor()
    assert.equal(await table.getByText('node started').count(), 0)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'CSV' }).click(),
    ])
    assert.equal(download.suggestedFilename(), 'events.csv')
    await picture(story.viewer(), 'events')

    await table.getByRole('link', { name: 'draw' }).first().click()
    await page.getByRole('group', { name: 'Sequence of the election' }).getByText('leader changed').first().waitFor()
    await picture(story.viewer(), 'election')
  })

  step('shows what was hot when, comes closer, and splits there', async ({ page }) => {
    const map = heatmapAnswer(Date.now())
    await page.route('**/admin/heatmap', (route) => route.fulfill({ json: map }))
    await visit(story.viewer(), 'heatmap')
    const field = page.getByRole('application')
    await field.waitFor()
    await picture(story.viewer(), 'heatmap')
    const box = await field.boundingBox()
    assert.ok(box !== null)
    await page.mouse.move(box.x + box.width * 0.2, box.y + box.height * 0.2)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.7)
    await page.mouse.up()
    await page.getByRole('button', { name: 'Show all' }).waitFor()
    await field.focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowDown')
    await page.getByText('The chosen cell').waitFor()
    await picture(story.viewer(), 'heatmap-closer')
    // The link is of just this part and this cell.
    const rows = await page.locator('.rows-axis').textContent()
    const cell = await page.locator('.card', { hasText: 'The chosen cell' }).textContent()
    await page.reload()
    await page.getByText('The chosen cell').waitFor()
    assert.equal(await page.locator('.rows-axis').textContent(), rows)
    assert.equal(await page.locator('.card', { hasText: 'The chosen cell' }).textContent(), cell)
    await page.getByRole('button', { name: 'Split here' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/flotilla shard split \d+ user\/\d+/).waitFor()
    await dialog.locator('.steps').getByText('split shard').waitFor()
    await page.keyboard.press('Escape')
    await field.focus()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Show all' }).waitFor({ state: 'detached' })
  })

  step('shows the messages between stores', async ({ page }) => {
    await visit(story.viewer(), 'rpc?type=AppendEntries')
    await page.getByRole('table', { name: 'Calls' }).getByText('AppendEntries').first().waitFor()
    await page.getByText('Latency, p99').waitFor()
    // Mocks stay, because views look again at any time.
    const calls = electionCalls(2, 3, Date.now() - 60_000, story.cluster().ids)
    await page.route('**/rpc-log?*', (route) => route.fulfill({ json: { calls } }))
    await visit(story.viewer(), 'rpc')
    await page.getByRole('table', { name: 'Calls' }).getByText('RequestVote').first().waitFor()
    await picture(story.viewer(), 'rpc-log')
    await visit(story.viewer(), 'election/2?term=3')
    await page.getByRole('group', { name: 'Sequence of the election' }).getByText('lost').first().waitFor()
    await picture(story.viewer(), 'election-calls')
  })

  step('shows settings, and changes one after showing what that would do', async ({ page }) => {
    const all = settingsAnswer()
    const asked: unknown[] = []
    await page.route(/\/admin\/config(\?|$)/, async (route) => {
      if (route.request().method() === 'GET') return route.fulfill({ json: all })
      asked.push([new URL(route.request().url()).search, route.request().postDataJSON()])
      return route.fulfill({
        json: { 'placement.downAfter': { ...all['placement.downAfter'], value: '10m', source: 'cluster' } },
      })
    })
    await visit(story.viewer(), 'settings')
    const row = page.getByRole('row', { name: 'placement.downAfter' })
    await row.getByRole('button', { name: 'Change' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Value').fill('10m')
    await dialog.getByText('10m, from cluster').waitFor()
    await dialog.getByText('flotilla config set placement.downAfter 10m').waitFor()
    await dialog.getByRole('button', { name: 'Change', exact: true }).click()
    await dialog.getByText('Done.').waitFor()
    assert.deepEqual(asked.at(-1), ['', { placement: { downAfter: '10m' } }])
    assert.deepEqual(asked.at(-2), ['?dry_run=true', { placement: { downAfter: '10m' } }])
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await picture(story.viewer(), 'settings')
  })

  step('goes everywhere by keyboard, and lists the keys', async ({ page }) => {
    await visit(story.viewer(), '')
    await page.locator('main').focus()
    for (const [key, title] of Object.entries({ t: 'Stores', e: 'Events of this store', d: 'Data', s: 'Shard map' })) {
      await page.keyboard.press('g')
      await page.keyboard.press(key)
      await page.getByRole('heading', { level: 1, name: title }).waitFor()
    }
    await page.keyboard.press('?')
    const dialog = page.getByRole('dialog', { name: 'Keys' })
    await dialog.getByText('Heat map').waitFor()
    // The focus stays within.
    for (let i = 0; i < 6; i++) await page.keyboard.press('Tab')
    assert.equal(
      await page.evaluate(
        'document.activeElement === document.body || document.querySelector("dialog").contains(document.activeElement)',
      ),
      true,
    )
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  })

  step('is light or dark as the system, or as chosen', async ({ page }) => {
    const ground = (): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor')
    const light = await ground()
    await page.keyboard.press('Escape')
    await page.locator('main').focus()
    await page.keyboard.press('t')
    await page.keyboard.press('t')
    await page.getByText('Colours: dark').first().waitFor()
    assert.notEqual(await ground(), light)
    await page.keyboard.press('t')
    await page.getByText('Colours: system').first().waitFor()
  })

  it('fits a phone, in the dark', async () => {
    const phone = await openViewer(story.browser(), { dark: true, phone: true })
    for (const route of [
      '',
      'shards',
      'shards/2',
      'stores',
      'stores/s1',
      'operators',
      'events',
      'rpc',
      'data',
      'settings',
      'heatmap',
    ]) {
      await visit(phone, route)
      await phone.page.locator('main .card').first().waitFor()
      await phone.page.locator('main .loading').first().waitFor({ state: 'detached' })
      await assertFits(phone, route)
      await picture(phone, `phone-${route === '' ? 'overview' : route.replace('/', '-')}`)
    }
    assert.deepEqual(phone.complaints, [])
  })

  it('says no more of a shard and a store that never were than that, and where the others are', async () => {
    const viewer = await openViewer(story.browser())
    for (const [route, words, way] of [
      ['shards/999', 'there is no shard 999', 'All shards'],
      ['stores/s9', 'there is no such store', 'All stores'],
    ] as const) {
      await visit(viewer, route)
      await viewer.page.getByText(words).waitFor()
      await viewer.page.getByRole('link', { name: way }).waitFor()
      assert.equal(await viewer.page.locator('main .card').count(), 0)
    }
    await visit(viewer, 'election')
    await viewer.page.getByRole('link', { name: 'the events' }).waitFor()
  })
})
