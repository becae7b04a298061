/**
 * The files of the console: its compiled modules and what stands beside them, read once and kept. There is no way from a request to a path on the
 * disk: a request names one of the files that were found, or nothing.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

export interface ConsoleFile {
  readonly contentType: string
  readonly etag: string
  readonly bytes: Uint8Array
  readonly gzipped: Uint8Array
}

/** Whether this runs from sources or from their build, the modules come from the build and all else from the sources. */
const ROOT = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../..' : '../../..', import.meta.url))
const MODULES = path.join(ROOT, 'dist', 'src', 'console')
const STATIC = path.join(ROOT, 'src', 'console', 'static')

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** In their order: later ones overrule earlier ones. */
const STYLES = ['base.css', 'controls.css', 'parts.css', 'dialogs.css', 'views.css', 'narrow.css']

/** By their path below `/console/`; the page itself is under the empty one. Rejects when they are not there, which is when nothing was built. */
export async function consoleFiles(): Promise<ReadonlyMap<string, ConsoleFile>> {
  const files = new Map<string, ConsoleFile>()
  for (const folder of [MODULES, STATIC]) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const contentType = CONTENT_TYPES[path.extname(entry.name)]
      if (!entry.isFile() || contentType === undefined) continue
      const file = path.join(entry.parentPath, entry.name)
      files.set(path.relative(folder, file).replaceAll(path.sep, '/'), fileOf(contentType, await readFile(file)))
    }
  }
  files.set('', fileOf('text/html; charset=utf-8', Buffer.from(page([...files.keys()]))))
  return files
}

function fileOf(contentType: string, bytes: Uint8Array): ConsoleFile {
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
  return { contentType, etag, bytes, gzipped: gzipSync(bytes, { level: 9 }) }
}

/** Links are relative, so that a proxy may put the gateway below a path; naming all modules at once spares a round trip for each level of imports. */
function page(names: readonly string[]): string {
  const preloads = names
    .filter((name) => name.endsWith('.js'))
    .sort()
    .map((name) => `<link rel="modulepreload" href="console/${name}">`)
  const styles = STYLES.map((name) => `<link rel="stylesheet" href="console/${name}">`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Flotilla</title>
<link rel="icon" href="console/icon.svg" type="image/svg+xml">
${styles.join('\n')}
${preloads.join('\n')}
<script type="module" src="console/main.js"></script>
</head>
<body>
<div id="console"></div>
<noscript>The console needs JavaScript. The same is shown by the command flotilla, and by /admin/status.</noscript>
</body>
</html>
`
}
