/**
 * Debian's Chromium for tests of the console, through playwright-core: found or plainly missing, with pages that remember every complaint, and pictures
 * of what was seen in a folder that git ignores. Makes sure that the console it shows is the one of the sources.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const PICTURES = path.join(ROOT, '.artifacts', 'console')
const NAMES = ['chromium', 'chromium-browser', 'google-chrome']
/** Two slow cores that also run a cluster. */
const PATIENCE_MS = 20_000

export const CHROMIUM_ABSENT = 'SKIPPED: no chromium on PATH and CHROMIUM_BIN is not set, so no page was looked at'

/** The path of the binary: `CHROMIUM_BIN`, else the first on PATH. */
export function findChromium(): string | undefined {
  const chosen = process.env.CHROMIUM_BIN
  if (chosen !== undefined && chosen !== '') return isExecutable(chosen) ? chosen : undefined
  const folders = (process.env.PATH ?? '').split(path.delimiter)
  return NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name))).find(isExecutable)
}

export interface Viewer {
  readonly page: Page
  /** Errors of scripts, refused loads and whatever went to the browser's console as an error. */
  readonly complaints: string[]
}

export interface ViewerOptions {
  readonly dark?: boolean
  readonly phone?: boolean
}

export async function launchBrowser(binary: string): Promise<Browser> {
  mkdirSync(PICTURES, { recursive: true })
  // Tests often run as root, where Chromium's sandbox does not; the pages are our own.
  return chromium.launch({ executablePath: binary, args: ['--no-sandbox'] })
}

export async function openViewer(browser: Browser, options: ViewerOptions = {}): Promise<Viewer> {
  const context = await browser.newContext({
    viewport: options.phone === true ? { width: 375, height: 812 } : { width: 1280, height: 860 },
    colorScheme: options.dark === true ? 'dark' : 'light',
    reducedMotion: 'reduce',
  })
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error.stack)))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  return { page, complaints }
}

export async function picture({ page }: Viewer, name: string): Promise<void> {
  await page.screenshot({ path: path.join(PICTURES, `${name}.png`) })
}

/** The page is wider than its window: something does not fit a phone. */
export async function assertFits({ page }: Viewer, name: string): Promise<void> {
  const over = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
  assert.equal(over, 0, `${name} is ${over} pixels wider than the window`)
}

/** Compiles the console where its build is older than its sources; `npm test` has done so already. */
export function buildConsole(): void {
  const built = path.join(ROOT, 'dist', 'src', 'console', 'main.js')
  const sources = path.join(ROOT, 'src', 'console')
  const newestMs = Math.max(
    ...readdirSync(sources, { recursive: true, encoding: 'utf8' }).map(
      (name) => statSync(path.join(sources, name)).mtimeMs,
    ),
  )
  if (existsSync(built) && statSync(built).mtimeMs >= newestMs) return
  const compiler = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', sources], { encoding: 'utf8' })
  assert.equal(status, 0, stdout)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    // Absent or not executable: both mean that it cannot be started.
    return false
  }
}
