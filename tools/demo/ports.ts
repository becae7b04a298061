/** Whether a port of this machine is free. Only a look: another process may take it a moment later, and then the store says so. */
import { createServer } from 'node:net'

export const HOST = '127.0.0.1'

/** Undefined when the port can be listened on, otherwise the code of the system's refusal. */
export function portRefusal(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host: HOST, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}
