/**
 * `GET /console` and its files. They are the same for everybody and say nothing of the cluster, so they need no token; what the console shows it asks
 * for over the other routes, with the token it was given.
 */
import { type ConsoleFile, consoleFiles } from '../console-files.ts'
import type { Exchange } from '../exchange.ts'
import { refusal } from '../failures.ts'
import type { Handler } from '../route-definition.ts'

/** Only what this gateway serves may run, style or be asked; text cannot become markup, whatever a script does. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

type Files = ReadonlyMap<string, ConsoleFile>

/** Handlers of the page, of its files, and of who came to a path beside it; all from one reading of the disk. */
export function consoleHandlers(): { readonly page: Handler; readonly file: Handler; readonly aside: Handler } {
  let reading: Promise<Files> | undefined
  const files = (): Promise<Files> => {
    reading ??= consoleFiles().catch(() => {
      // Nothing was built yet; the next request looks again.
      reading = undefined
      throw refusal('ROUTE_NOT_FOUND', 'this build has no console', 'npm run build makes it.')
    })
    return reading
  }
  return {
    page: async (exchange) => send(exchange, (await files()).get('')),
    // The page's links are relative to a path without the slash.
    aside: (exchange) => {
      exchange.header('Location', '../console')
      exchange.sendEmpty(308)
    },
    file: async (exchange) => {
      const folder = exchange.pathParameter('folder')
      const name = folder === '' ? exchange.pathParameter('file') : `${folder}/${exchange.pathParameter('module')}`
      send(exchange, (await files()).get(name))
    },
  }
}

function send(exchange: Exchange, file: ConsoleFile | undefined): void {
  if (file === undefined) throw refusal('ROUTE_NOT_FOUND', 'the console has no such file', 'It begins at /console.')
  exchange.header('ETag', file.etag)
  exchange.header('Vary', 'Accept-Encoding')
  exchange.header('X-Content-Type-Options', 'nosniff')
  exchange.header('Referrer-Policy', 'no-referrer')
  exchange.header('Content-Security-Policy', POLICY)
  // After an upgrade the page must not mix files of two versions.
  if (exchange.requestHeader('if-none-match') === file.etag) {
    exchange.header('Cache-Control', 'no-cache')
    exchange.sendEmpty(304)
    return
  }
  const takesGzip = /\bgzip\b/.test(exchange.requestHeader('accept-encoding') ?? '')
  if (takesGzip) exchange.header('Content-Encoding', 'gzip')
  exchange.sendBytes(200, file.contentType, takesGzip ? file.gzipped : file.bytes, 'no-cache')
}
