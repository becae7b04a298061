/**
 * The gateway as the page asks it: one way to send a request and one kind of failure. Paths are relative to the page, so that a proxy may put the
 * gateway below a path of its own. Knows no routes.
 */

/** What a problem document said, or why there was none. */
export class Failure extends Error {
  readonly code: string
  /** 0 where no answer came. */
  readonly status: number
  readonly hint: string | undefined
  readonly requestId: string | undefined

  constructor(message: string, code: string, status: number, hint?: string, requestId?: string) {
    super(message)
    this.code = code
    this.status = status
    this.hint = hint
    this.requestId = requestId
  }
}

export interface Ask {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as they are. */
  readonly bytes?: Uint8Array<ArrayBuffer>
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** Where the token comes from, and who is told that one is needed. */
export interface Credentials {
  readonly token: string | undefined
  refused(failure: Failure): void
}

/** The gateway answers everything but streams sooner; what takes longer is lost on its way. */
const REQUEST_MS_MAX = 20_000

export class Client {
  readonly #credentials: Credentials

  constructor(credentials: Credentials) {
    this.#credentials = credentials
  }

  /** The answer's document. Rejects with a Failure, as all of these do. */
  async json<Shape>(path: string, ask: Ask = {}): Promise<Shape> {
    const answer = await this.send(path, ask)
    return (answer.status === 204 ? undefined : await whole(answer.json())) as Shape
  }

  async text(path: string, ask: Ask = {}): Promise<string> {
    return whole((await this.send(path, ask)).text())
  }

  async bytes(path: string): Promise<{ readonly answer: Response; readonly bytes: Uint8Array<ArrayBuffer> }> {
    const answer = await this.send(path, { headers: { Accept: '*/*' } })
    return { answer, bytes: new Uint8Array(await whole(answer.arrayBuffer())) }
  }

  /** An answer that is no error; its content is still to come. A request with a signal of its own may take as long as it likes. */
  async send(path: string, ask: Ask = {}): Promise<Response> {
    const { token } = this.#credentials
    const headers: Record<string, string> = { Accept: 'application/json', ...ask.headers }
    if (token !== undefined) headers.Authorization = `Bearer ${token}`
    const body = ask.bytes ?? (ask.json === undefined ? undefined : JSON.stringify(ask.json))
    let answer: Response
    try {
      answer = await fetch(path, {
        method: ask.method ?? 'GET',
        headers,
        credentials: 'omit',
        ...(body === undefined ? {} : { body }),
        signal: ask.signal ?? AbortSignal.timeout(REQUEST_MS_MAX),
      })
    } catch (error) {
      // Nobody answered, or the page went on to something else.
      throw unanswered(error)
    }
    if (answer.ok) return answer
    const failure = await failureOf(answer)
    if (failure.status === 401) this.#credentials.refused(failure)
    throw failure
  }
}

/** The rest of an answer that has begun. */
async function whole<Content>(content: Promise<Content>): Promise<Content> {
  try {
    return await content
  } catch (error) {
    // The connection broke in the middle.
    throw unanswered(error)
  }
}

function unanswered(error: unknown): Failure {
  const isAborted = error instanceof DOMException && error.name === 'AbortError'
  return isAborted
    ? new Failure('the request was given up', 'ABORTED', 0)
    : new Failure(
        'this store does not answer',
        'UNREACHABLE',
        0,
        'It may be stopped, or the network is down. It is tried again.',
      )
}

async function failureOf(answer: Response): Promise<Failure> {
  try {
    const problem = (await answer.json()) as Readonly<Record<string, string | undefined>>
    const message = problem.detail ?? problem.title ?? `status ${answer.status}`
    return new Failure(message, problem.code ?? 'UNKNOWN', answer.status, problem.hint, problem.requestId)
  } catch {
    // Not a document: something between this page and the gateway answered.
    return new Failure(`status ${answer.status}`, 'UNKNOWN', answer.status)
  }
}

export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  throw error
}
