/**
 * The console changes a cluster of real processes: every action on shards, stores, operators and settings, through a real browser. What it looks like
 * is in `.artifacts/console`.
 */
import { describe } from 'node:test'
import { operatingSteps } from '../console/operating-steps.ts'
import { consoleStory } from '../console/story.ts'
import { CHROMIUM_ABSENT, findChromium } from '../support/browser.ts'

const CHROMIUM = findChromium()
if (CHROMIUM === undefined) console.log(CHROMIUM_ABSENT)

describe('the console, operating', { skip: CHROMIUM === undefined ? CHROMIUM_ABSENT : false }, () => {
  operatingSteps(consoleStory({ stores: 4, shards: 3 }))
})
