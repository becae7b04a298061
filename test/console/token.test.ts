/** The console at a gateway that wants a token: it asks, keeps the token in the tab, sends it with everything, and forgets it when told to. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { startHarness } from '../gateway/harness.ts'
import { buildConsole, CHROMIUM_ABSENT, findChromium, launchBrowser, openViewer, picture } from '../support/browser.ts'

const CHROMIUM = findChromium()
if (CHROMIUM === undefined) console.log(CHROMIUM_ABSENT)

test('the console asks for a token and sends it', {
  skip: CHROMIUM === undefined ? CHROMIUM_ABSENT : false,
}, async (t) => {
  buildConsole()
  const digest = createHash('sha256').update('open-sesame').digest()
  const readDigest = createHash('sha256').update('look-only').digest()
  const h = await startHarness(t, {
    tokens: [
      { name: 'one', digest, role: 'admin', prefixes: [] },
      { name: 'two', digest: readDigest, role: 'read', prefixes: [] },
    ],
  })
  const browser = await launchBrowser(CHROMIUM ?? '')
  t.after(() => browser.close())
  const viewer = await openViewer(browser)
  const { page } = viewer
  const sent = new Set<string>()
  page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    if (!pathname.startsWith('/console')) sent.add(request.headers().authorization ?? 'none')
  })
  const healthy = page.getByText('Healthy: every store answers')
  const dialog = page.getByRole('dialog', { name: 'A token is needed' })

  await page.goto(`http://127.0.0.1:${h.gateway.port}/console`)
  await dialog.getByLabel('Token').fill('guess')
  await picture(viewer, 'token')
  await page.keyboard.press('Enter')
  await dialog.getByText('The gateway does not take the last one.').waitFor()
  await page.getByText('Token needed').waitFor()
  assert.equal(await page.getByText('0/s').count(), 0)
  await dialog.getByLabel('Token').fill('open-sesame')
  await dialog.getByRole('button', { name: 'Go on' }).click()
  await healthy.waitFor()
  assert.deepEqual([...sent], ['none', 'Bearer guess', 'Bearer open-sesame'])

  sent.clear()
  await page.reload()
  await healthy.waitFor()
  assert.deepEqual([...sent], ['Bearer open-sesame'])
  assert.equal(await page.evaluate('Object.values(localStorage).join()'), '')
  assert.doesNotMatch(page.url(), /sesame/)

  await page.getByRole('button', { name: 'Forget token' }).click()
  await dialog.getByLabel('Token').fill('look-only')
  await dialog.getByRole('button', { name: 'Go on' }).click()
  await page.getByText('Not for this token').waitFor()
  await page.getByText('the token does not have the role admin').first().waitFor()
  await page.getByRole('button', { name: 'Forget token' }).click()
  await dialog.waitFor()
  // Who closes the question is not asked again and again.
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Give a token' }).click()
  await dialog.waitFor()
})
