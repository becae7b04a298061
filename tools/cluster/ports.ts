/** Free ports for servers that a test stops and starts again on the same one. */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below what systems give to outgoing connections: those would take the port while its server is down. */
const FIRST = 20_000
const LAST = 32_000
const taken = new Set<number>()

export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, LAST)
    if (!taken.has(port) && (await isFree(port))) {
      taken.add(port)
      return port
    }
  }
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer()
  try {
    probe.listen(port, '127.0.0.1')
    await once(probe, 'listening')
    return true
  } catch {
    // In use, or reserved: another one will do.
    return false
  } finally {
    probe.close()
  }
}
