/**
 * The frame of a story that the console is put through in a real browser on a cluster of real processes: what starts and ends both, and steps that
 * must not make the browser complain. Declares tests where it is called; what is clicked is for the files that use it.
 */
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { ANY_BROKER } from '../../tools/cluster/broker-process.ts'
import type { ClusterOptions } from '../../tools/cluster/process-cluster.ts'
import { buildConsole, findChromium, launchBrowser, openViewer, picture, type Viewer } from '../support/browser.ts'
import { ProcessCluster } from '../support/process-cluster.ts'

export interface Story {
  cluster(): ProcessCluster
  browser(): Browser
  viewer(): Viewer
  /** Declares a step that must not make the browser complain. */
  step(name: string, run: (viewer: Viewer) => Promise<void>): void
  /** Follows a link of the console of s1. */
  visit(viewer: Viewer, route: string): Promise<void>
}

/** Thirty keys `fruit/0` to `fruit/29` are there from the start. Call it within `describe`. */
export function consoleStory(options: Omit<ClusterOptions, 'broker'>): Story {
  let cluster: ProcessCluster
  let browser: Browser
  let viewer: Viewer
  let failed = false

  before(async () => {
    buildConsole()
    cluster = await ProcessCluster.create({ ...options, broker: ANY_BROKER })
    const [launched] = await Promise.all([launchBrowser(findChromium() ?? ''), cluster.startAll()])
    browser = launched
    for (let i = 0; i < 30; i++) {
      await cluster.http('s1', { method: 'PUT', path: `/kv/fruit/${i}`, body: `value ${i}` })
    }
    viewer = await openViewer(browser)
  })

  after(async () => {
    if (failed) process.stderr.write(`${cluster.logs()}\n`)
    await browser?.close()
    await cluster?.cleanUp()
  })

  return {
    cluster: () => cluster,
    browser: () => browser,
    viewer: () => viewer,
    step: (name, run) => {
      it(name, async () => {
        viewer.complaints.splice(0)
        try {
          await run(viewer)
          assert.deepEqual(viewer.complaints, [])
        } catch (error) {
          failed = true
          await picture(viewer, 'failed')
          throw error
        }
      })
    },
    visit: async ({ page }, route) => {
      await page.goto(`http://${cluster.address('s1')}/console#/${route}`)
    },
  }
}
