/**
 * Finds out whether a broker turns our certificate down. In TLS 1.3 a server does that after the handshake, when the client believes to be connected already, and
 * the `nats` client then waits in silence until its time is up: nobody would learn why there is no connection. So the first steps are gone once more, without
 * the client, and the server's last word is listened to. Sends nothing but the handshake. Called by a wire that has been without a connection for a while.
 */
import { readFile } from 'node:fs/promises'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Clock } from '../../base/index.ts'
import { TransportError } from '../transport-error.ts'
import type { NatsTls } from './nats-options.ts'

/** For one server, from the connection to its last word. */
const LOOK_MS_MAX = 2_000
/** A server that has said nothing for so long after the handshake has nothing against the certificate. */
const CONTENT_MS = 300
/** `INFO` lines are some hundred bytes, more where a cluster names its members. */
const GREETING_CHARS_MAX = 64 * 1024
const PORT_DEFAULT = 4222

/** The first of `servers` (`host:port`) that turns us down, as the error it amounts to; undefined when none of them does, or cannot be asked. Never rejects. */
export async function lookAtCertificate(
  servers: readonly string[],
  tls: NatsTls,
  clock: Clock,
): Promise<TransportError | undefined> {
  const files = await readFiles(tls)
  if (files === undefined) return undefined
  for (const server of servers) {
    const last = await lastWord(server, { ...tls, ...files }, clock)
    if (last !== undefined) return turnedDown(last, files.cert !== undefined || tls.cert !== undefined)
  }
  return undefined
}

function turnedDown(last: string, hasCertificate: boolean): TransportError {
  const what = hasCertificate
    ? 'the broker does not accept our certificate'
    : 'the broker wants a certificate of ours, and there is none'
  const cure = 'set transport.tls.certFile and keyFile to one that its authority has signed'
  return new TransportError('TLS_FAILED', `no encrypted connection to the broker: ${what} (${last}); ${cure}`)
}

/** Undefined where one cannot be read, which the client says itself. */
async function readFiles({
  caFile,
  certFile,
  keyFile,
}: NatsTls): Promise<Pick<NatsTls, 'ca' | 'cert' | 'key'> | undefined> {
  const read = async (file: string | undefined): Promise<string | undefined> =>
    file === undefined ? undefined : await readFile(file, 'utf8')
  try {
    const [ca, cert, key] = await Promise.all([read(caFile), read(certFile), read(keyFile)])
    return {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    }
  } catch {
    // Absent or not ours to read.
    return undefined
  }
}

/** Why the server ended the connection after the handshake; undefined when it did not, or when there was none. */
function lastWord(server: string, tls: NatsTls, clock: Clock): Promise<string | undefined> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(`nats://${server}`)
    const host = hostname.replace(/^\[|\]$/g, '')
    const socket = connect({ host, port: port === '' ? PORT_DEFAULT : Number(port) })
    const timer = clock.after(LOOK_MS_MAX, () => settle(undefined))
    const settle = (word: string | undefined): void => {
      timer.cancel()
      socket.destroy()
      resolve(word)
    }
    // Without a connection there is nothing to tell; the client tells that itself.
    socket.on('error', () => settle(undefined))
    socket.on('close', () => settle(undefined))
    const begin = (): void => listenAfterHandshake(socket, host, tls, clock, settle)
    if (tls.handshakeFirst === true) socket.once('connect', begin)
    else awaitGreeting(socket, (offersTls) => (offersTls ? begin() : settle(undefined)))
  })
}

function awaitGreeting(socket: Socket, then: (offersTls: boolean) => void): void {
  let greeting = ''
  const onData = (bytes: Buffer): void => {
    greeting += bytes.toString('latin1')
    if (!greeting.includes('\r\n') && greeting.length < GREETING_CHARS_MAX) return
    socket.off('data', onData)
    then(/"tls_(?:required|available)":\s*true/.test(greeting))
  }
  socket.on('data', onData)
}

function listenAfterHandshake(
  socket: Socket,
  host: string,
  { handshakeFirst: _, caFile: _ca, certFile: _cert, keyFile: _key, ...options }: NatsTls,
  clock: Clock,
  settle: (word: string | undefined) => void,
): void {
  // Its own errors and end come by the encrypted one from here on.
  socket.removeAllListeners('error').removeAllListeners('close')
  socket.on('error', () => {})
  try {
    const encrypted = connectTls({ ...options, socket, ...(isIP(host) === 0 ? { servername: host } : {}) })
    let isAgreed = false
    encrypted.once('secureConnect', () => {
      isAgreed = true
      clock.after(CONTENT_MS, () => settle(undefined))
    })
    encrypted.on('error', (error: Error & { readonly reason?: string }) =>
      settle(isAgreed ? (error.reason ?? error.message) : undefined),
    )
    encrypted.on('close', () => settle(isAgreed ? 'it closed the connection after the handshake' : undefined))
  } catch {
    // Certificates that cannot be used; the client says that itself.
    settle(undefined)
  }
}
