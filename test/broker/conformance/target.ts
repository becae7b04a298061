/** A broker to be tested, as the conformance suite sees it: started with options, reached by its URL, stopped. */
export type TargetAuth = { readonly user: string; readonly password: string } | { readonly token: string }

export interface TargetOptions {
  readonly auth?: TargetAuth
  readonly authTimeoutMs?: number
  readonly payloadBytesMax?: number
  readonly connectionsMax?: number
  readonly subscriptionsMax?: number
  readonly pingIntervalMs?: number
  readonly pingsOutMax?: number
  readonly pendingBytesMax?: number
}

export interface Target {
  readonly url: string
  stop(): Promise<void>
}

export type StartTarget = (options?: TargetOptions) => Promise<Target>

/** Neither +OK after each operation nor complaints about publications. */
export const QUIET = 'CONNECT {"verbose":false,"pedantic":false}\r\n'
/** The same from a client that understands headers and wants status 503. */
export const QUIET_HEADERS = 'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n'
