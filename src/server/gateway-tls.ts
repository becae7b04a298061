/** The files of `gateway.tls`, read at the start and at each reload. Their content is never part of an error or a log. */
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { GatewayTls } from '../gateway/index.ts'
import type { Config } from './config/index.ts'

/** Undefined where TLS is off; throws an Error that names the setting when a file cannot be used. */
export function loadGatewayTls({ gateway }: Config): GatewayTls | undefined {
  if (gateway.tls === null) return undefined
  const { certFile, keyFile, caFile } = gateway.tls
  const tls: GatewayTls = {
    cert: read('gateway.tls.certFile', certFile),
    key: read('gateway.tls.keyFile', keyFile),
    ...(caFile === undefined ? {} : { ca: read('gateway.tls.caFile', caFile) }),
  }
  try {
    createSecureContext({ ...tls })
  } catch (error) {
    // OpenSSL says what it does not like, such as a key for another certificate, and quotes nothing.
    const reason = (error as { readonly reason?: string }).reason ?? (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new Error(
      `gateway.tls cannot be used: ${reason} (${certFile}, ${keyFile}${caFile === undefined ? '' : `, ${caFile}`})`,
    )
  }
  return tls
}

function read(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    // The file is the operator's to mend, so it is named.
    throw new Error(`${setting} ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
}
