/**
 * The part of the console's story that is about data: values in all their forms, edits that lose nothing, keys that are meant to do harm.
 */
import assert from 'node:assert/strict'
import { picture } from '../support/browser.ts'
import type { Story } from './story.ts'

export function dataSteps({ cluster, viewer, step, visit }: Story): void {
  step('shows a value as text, JSON and bytes, and saves another only over what was seen', async ({ page }) => {
    await cluster().http('s1', { method: 'PUT', path: '/kv/fruit/7', body: '{"name":"fig","tons":7}' })
    await visit(viewer(), 'data?prefix=fruit%2F')
    await page.getByRole('button', { name: 'fruit/7 ' }).click()
    await page.getByLabel('Value').getByText('"name": "fig"').waitFor()
    await picture(viewer(), 'data')
    await page.getByRole('button', { name: 'Hex' }).click()
    await page.getByLabel('Value').getByText('000000  7b 22').waitFor()
    await page.getByRole('button', { name: 'Text' }).click()
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('New value').fill('figs')
    await cluster().http('s2', { method: 'PUT', path: '/kv/fruit/7', body: 'of somebody else' })
    await page.getByRole('button', { name: 'Save' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('flotilla put --if-revision').waitFor()
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()
    await dialog.getByText('PRECONDITION_FAILED').waitFor()
    // The browser notes every refusal, and this one was wanted.
    viewer().complaints.splice(0)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Discard' }).click()
    await page.getByLabel('Value').getByText('of somebody else').waitFor()
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('New value').fill('figs')
    await page.getByRole('button', { name: 'Save' }).click()
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()
    await dialog.getByText('Done.').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await page.getByLabel('Value').getByText('figs').waitFor()
    const answer = await cluster().http('s3', { method: 'GET', path: '/kv/fruit/7' })
    assert.equal(answer.body.toString('utf8'), 'figs')
    await page.getByRole('button', { name: 'Delete' }).click()
    await dialog.getByRole('button', { name: 'Delete', exact: true }).click()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await page.getByText('The key does not exist.').waitFor()
    viewer().complaints.splice(0)
    await page.getByRole('button', { name: 'New key' }).click()
    await dialog.getByLabel('Key').fill('fruit/7')
    await dialog.getByLabel('Value').fill('again')
    await dialog.getByText('if the key does not exist').waitFor()
    await dialog.getByRole('button', { name: 'Create' }).click()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
  })

  step('shows hostile keys and values as what they are', async ({ page }) => {
    const hostile = ['<img src=x onerror=alert(1)>', '\u202egnp.exe', 'a"\'><script>alert(1)</script>', 'x\n\0y']
    for (const key of hostile) {
      const path = `/kv64/${Buffer.from(`hostile/${key}`).toString('base64url')}`
      await cluster().http('s1', { method: 'PUT', path, body: `<b>${key}</b>` })
    }
    await cluster().http('s1', { method: 'PUT', path: '/kv/hostile/%FF%00', body: Buffer.from([0xff, 0x00]) })
    await visit(viewer(), 'data?prefix=hostile%2F')
    const keys = page.locator('.keylist code')
    await page.getByText('hostile/\\xff\\x00').waitFor()
    assert.deepEqual(
      (await keys.allTextContents()).sort(),
      [
        'hostile/<img src=x onerror=alert(1)>',
        'hostile/\\u{202e}gnp.exe',
        'hostile/\\xff\\x00',
        'hostile/a"\'><script>alert(1)</script>',
        'hostile/x\\x0a\\x00y',
      ].sort(),
    )
    for (let i = 0; i < 5; i++) {
      await keys.nth(i).click()
      await page
        .locator('.value-panel h2')
        .getByText((await keys.nth(i).textContent()) ?? '')
        .waitFor()
      await page.getByLabel('Value').waitFor()
    }
    assert.equal(await page.locator('main img, main script, main b').count(), 0)
    await picture(viewer(), 'hostile')
  })
}
