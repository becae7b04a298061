/**
 * The part of the console's story that changes a cluster of four stores: each step sees what would happen and a command line that the command line
 * program itself understands, does it, and looks through the API at what became of it.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Locator } from 'playwright-core'
import { poll } from '../../tools/cluster/poll.ts'
import type { ShardView } from '../../tools/cluster/process-cluster.ts'
import { picture } from '../support/browser.ts'
import type { Story } from './story.ts'

const PROGRAM = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../tools/flotilla.ts')
const SEEN_MS = 20_000
/** Nothing but what the story does may change the cluster. */
const PAUSE_SECONDS = 3600

export function operatingSteps({ cluster, viewer, step, visit }: Story): void {
  const shard = async (id: number): Promise<ShardView> =>
    (await cluster().json('s1', `/admin/shards/${id}`)) as ShardView
  const holders = async (id: number): Promise<string[]> => (await shard(id)).replicas.map(({ store }) => store).sort()
  const store = async (id: string): Promise<{ state: string; labels: Record<string, string> }> =>
    (await cluster().json('s1', `/admin/stores/${id}`)) as never
  const post = async (path: string, body: object): Promise<string> => {
    const answer = await cluster().http('s1', { method: 'POST', path, body: JSON.stringify(body) })
    const text = answer.body.toString('utf8')
    assert.ok(answer.status === 200 || answer.status === 202, `${path}: ${text}`)
    return text
  }
  /** The first data shard, a store that follows in it, and the one that has no replica of it. */
  const choose = async () => {
    const [first] = await cluster().dataShards('s1')
    assert.ok(first !== undefined)
    const has = await holders(first.id)
    const without = cluster().ids.find((id) => !has.includes(id))
    const follower = has.find((id) => id !== first.leader)
    assert.ok(without !== undefined && follower !== undefined)
    return { id: first.id, without, follower }
  }

  step('pauses what plans by itself', async () => {
    const { schedulers } = (await cluster().json('s1', '/admin/schedulers')) as { schedulers: { name: string }[] }
    for (const { name } of schedulers) {
      // What is to leave a store is to leave it.
      if (name !== 'drain') await post(`/admin/schedulers/${name}/pause`, { seconds: PAUSE_SECONDS })
    }
  })

  step('moves a replica to a store that has none', async ({ page }) => {
    const { id, without, follower } = await choose()
    await visit(viewer(), `shards/${id}`)
    await page.getByRole('button', { name: 'Move …' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('From').selectOption(follower)
    await dialog.getByLabel('To').selectOption(without)
    await assertPlanned(dialog, `flotilla shard move ${id} ${follower} ${without}`)
    await picture(viewer(), 'move')
    await carryOut(dialog, 'Move')
    await poll(`${without} has the replica of ${follower}`, SEEN_MS, async () => {
      const after = await holders(id)
      return after.includes(without) && !after.includes(follower)
    })
    await page.getByRole('table', { name: 'Members' }).getByRole('link', { name: without }).waitFor()
  })

  step('adds a replica, and removes one only where enough remain', async ({ page }) => {
    const { id, without, follower } = await choose()
    await visit(viewer(), `shards/${id}`)
    await page.getByRole('button', { name: 'Remove replica …' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Store').selectOption(follower)
    await dialog.getByText('so none can be removed; move it instead').waitFor()
    assert.equal(await dialog.getByRole('button', { name: 'Remove', exact: true }).isDisabled(), true)
    await picture(viewer(), 'remove-refused')
    // The browser notes every refusal, and this one was wanted.
    viewer().complaints.splice(0)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })

    await page.getByRole('button', { name: 'Add replica …' }).click()
    await dialog.getByLabel('Store').selectOption(without)
    await dialog.getByLabel('Role').selectOption('learner')
    await assertPlanned(dialog, `flotilla shard add-replica ${id} ${without} --learner`)
    await dialog.getByLabel('Role').selectOption('voter')
    await assertPlanned(dialog, `flotilla shard add-replica ${id} ${without}`)
    await carryOut(dialog, 'Add')
    await poll('every store has a replica', SEEN_MS, async () => (await holders(id)).length === cluster().ids.length)

    await page.getByRole('button', { name: 'Remove replica …' }).click()
    await dialog.getByLabel('Store').selectOption(follower)
    await assertPlanned(dialog, `flotilla shard remove-replica ${id} ${follower}`)
    await picture(viewer(), 'remove-replica')
    await carryOut(dialog, 'Remove')
    await poll(`${follower} has none`, SEEN_MS, async () => !(await holders(id)).includes(follower))
  })

  step('merges two neighbours', async ({ page }) => {
    const before = await cluster().dataShards('s1')
    const [left, right] = before
    assert.ok(left !== undefined && right !== undefined)
    await visit(viewer(), `shards/${left.id}`)
    await page.getByRole('table', { name: 'Members' }).waitFor()
    await page.getByRole('button', { name: 'Merge …' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('With').selectOption(String(right.id))
    await assertPlanned(dialog, `flotilla shard merge ${left.id} ${right.id}`)
    await picture(viewer(), 'merge')
    await carryOut(dialog, 'Merge')
    // The map of a gateway follows the end of an operator by a moment.
    await poll('the map shows one shard less', SEEN_MS, async () => {
      const after = await cluster().dataShards('s1')
      return after.length === before.length - 1 && after[0]?.id === left.id && after[0].end === right.end
    })
    const answer = await cluster().http('s2', { method: 'GET', path: '/kv/fruit/7' })
    assert.equal(answer.body.toString('utf8'), 'value 7')
  })

  step('cancels an operator that waits', async ({ page }) => {
    const { follower } = await choose()
    // Nothing is taken away from the store while the scheduler rests that does it.
    await post('/admin/schedulers/drain/pause', { seconds: PAUSE_SECONDS })
    const operator = JSON.parse(await post(`/admin/stores/${follower}/decommission`, {})) as { id: string }
    await visit(viewer(), 'operators')
    await page.getByRole('table', { name: 'Operators' }).getByRole('link', { name: operator.id, exact: true }).click()
    await page.getByRole('button', { name: 'Cancel …' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('The operator ends. This is how far it is:').waitFor()
    await assertPlanned(dialog, `flotilla operator cancel ${operator.id}`)
    await picture(viewer(), 'cancel')
    assert.equal((await store(follower)).state, 'decommissioning')
    await dialog.getByRole('button', { name: 'Cancel it', exact: true }).click()
    await dialog.getByText('cancelled', { exact: true }).waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    const ended = (await cluster().json('s1', `/admin/operators/${operator.id}`)) as { state: string }
    assert.equal(ended.state, 'cancelled')
    assert.equal((await store(follower)).state, 'up')
    await picture(viewer(), 'operator')
    await post('/admin/schedulers/drain/resume', {})
  })

  step('labels a store', async ({ page }) => {
    await visit(viewer(), 'stores/s2')
    await page.getByRole('button', { name: 'Labels …' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Labels').fill('zone')
    await dialog.getByText('Labels are written as name=value').waitFor()
    await dialog.getByLabel('Labels').fill('zone=z1 host=a')
    await dialog.getByText('The labels will be').waitFor()
    await assertPlanned(dialog, 'flotilla store label s2 zone=z1 host=a')
    await picture(viewer(), 'labels')
    await dialog.getByRole('button', { name: 'Change', exact: true }).click()
    await dialog.getByText('Done.').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    assert.deepEqual((await store('s2')).labels, { zone: 'z1', host: 'a' })
    await page.locator('main').getByText('zone=z1').waitFor()

    await page.getByRole('button', { name: 'Labels …' }).click()
    await dialog.getByLabel('Labels').fill('zone=z1')
    await assertPlanned(dialog, 'flotilla store label s2 host=')
    await dialog.getByRole('button', { name: 'Change', exact: true }).click()
    await dialog.getByText('Done.').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    assert.deepEqual((await store('s2')).labels, { zone: 'z1' })
  })

  step('drains a store and takes it back', async ({ page }) => {
    await visit(viewer(), 'stores/s3')
    await page.getByRole('button', { name: 'Drain …' }).click()
    const dialog = page.getByRole('dialog')
    await assertPlanned(dialog, 'flotilla store drain s3')
    await carryOut(dialog, 'Drain')
    await poll('s3 leads nothing', SEEN_MS, async () => (await cluster().leaders('s1')).get('s3') === 0)
    assert.equal((await store('s3')).state, 'draining')
    await page.getByRole('button', { name: 'Take back …' }).click()
    await assertPlanned(dialog, 'flotilla store recommission s3')
    await carryOut(dialog, 'Take back')
    assert.equal((await store('s3')).state, 'up')
  })

  step('changes a setting of the cluster, and is told why another value cannot be', async ({ page }) => {
    const downAfter = async (via: string): Promise<unknown> => {
      const settings = (await cluster().json(via, '/admin/config')) as Record<string, { value: unknown }>
      return settings['placement.downAfter']?.value
    }
    await visit(viewer(), 'settings?filter=placement')
    const row = page.getByRole('row', { name: 'placement.downAfter' })
    await row.getByRole('button', { name: 'Change …' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Value').fill('10 apples')
    await dialog.getByText('INVALID_ARGUMENT').waitFor()
    assert.equal(await dialog.getByRole('button', { name: 'Change', exact: true }).isDisabled(), true)
    await picture(viewer(), 'setting-refused')
    // The browser notes every refusal, and this one was wanted.
    viewer().complaints.splice(0)
    await dialog.getByLabel('Value').fill('10m')
    await dialog.locator('.would').getByText('placement.downAfter').waitFor()
    await assertPlanned(dialog, 'flotilla config set placement.downAfter 10m')
    await picture(viewer(), 'setting')
    assert.equal(await downAfter('s2'), 300_000)
    await dialog.getByRole('button', { name: 'Change', exact: true }).click()
    await dialog.getByText('Done.').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await row.getByText('cluster').waitFor()
    await row.getByText('10m', { exact: true }).waitFor()
    await poll('s2 goes by it', SEEN_MS, async () => (await downAfter('s2')) === 600_000)

    await row.getByRole('button', { name: 'Change …' }).click()
    await dialog.getByLabel('Value').fill('null')
    await assertPlanned(dialog, 'flotilla config set placement.downAfter null')
    await dialog.getByRole('button', { name: 'Change', exact: true }).click()
    await dialog.getByText('Done.').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await poll('s2 goes by the default', SEEN_MS, async () => (await downAfter('s2')) === 300_000)
    await picture(viewer(), 'settings-real')
  })

  step('lets a store leave for good, and forgets it', async ({ page }) => {
    await visit(viewer(), 'stores/s4')
    await page.getByRole('button', { name: 'Decommission …' }).click()
    const dialog = page.getByRole('dialog')
    await assertPlanned(dialog, 'flotilla store decommission s4')
    await picture(viewer(), 'decommission')
    await carryOut(dialog, 'Decommission')
    await poll('s4 is gone', SEEN_MS, async () => (await store('s4')).state === 'gone')
    await poll('s4 holds nothing', SEEN_MS, async () => {
      const shards = await cluster().shards('s1')
      return shards.every(({ replicas }) => replicas.every((each) => each.store !== 's4'))
    })
    await cluster().stop('s4')
    await page.getByRole('button', { name: 'Forget …' }).click()
    await dialog.getByText('The cluster will know nothing of this store.').waitFor()
    await assertPlanned(dialog, 'flotilla store forget s4')
    await picture(viewer(), 'forget')
    await dialog.getByRole('button', { name: 'Forget', exact: true }).click()
    // There is no page of it any more.
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('heading', { level: 1, name: 'Stores' }).waitFor()
    const { stores } = (await cluster().json('s1', '/admin/stores')) as { stores: { id: string }[] }
    assert.deepEqual(stores.map(({ id }) => id).sort(), ['s1', 's2', 's3'])
    await page.getByRole('table', { name: 'Stores' }).getByRole('link', { name: 's3' }).waitFor()
    assert.equal(await page.getByRole('table', { name: 'Stores' }).getByRole('link', { name: 's4' }).count(), 0)
    await picture(viewer(), 'forgotten')
  })
}

/** The dialog says what would happen, and its command line, with `--dry-run` where there is one, is understood by the program. */
async function assertPlanned(dialog: Locator, command: string): Promise<void> {
  const line = dialog.locator('.command code')
  await line.getByText(new RegExp(`^${command.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')} -e `)).waitFor()
  await dialog.locator('footer button[type=submit]:enabled').waitFor()
  assert.ok(((await dialog.locator('.would').textContent()) ?? '').length > 'What would happen'.length)
  await runShown((await line.textContent()) ?? '')
}

async function carryOut(dialog: Locator, verb: string): Promise<void> {
  await dialog.getByRole('button', { name: verb, exact: true }).click()
  await dialog.getByText('finished').waitFor()
  await dialog.getByRole('button', { name: 'Close' }).last().click()
}

/** A shell splits the line, as it would for whoever copied it; exit code 2 is what the program does not understand. */
async function runShown(line: string): Promise<void> {
  const script = `flotilla() { "$NODE" --import tsx "$PROGRAM" "$@"; }; ${line} --dry-run`
  const child = spawn('sh', ['-c', script], {
    env: { ...process.env, NODE: process.execPath, PROGRAM },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
  const [code] = await once(child, 'close')
  assert.equal(code, 0, `${line} --dry-run: ${said}`)
}
