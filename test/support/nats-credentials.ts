/**
 * Credentials as an operator of NATS hands them out, for tests with a real server: an operator, an account and a user, each a key pair, and the tokens with
 * which each vouches for the next.
 */
import { nkeys } from 'nats'

type KeyPair = ReturnType<typeof nkeys.createUser>

export interface IssuedCredentials {
  /** Lines of the server's configuration under which the user may come in. */
  readonly config: readonly string[]
  /** The content of the user's `.creds` file. */
  readonly creds: string
}

const UNLIMITED = { subs: -1, data: -1, payload: -1 }
const ACCOUNT_LIMITS = { ...UNLIMITED, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 }

export function issueCredentials(): IssuedCredentials {
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()]
  const operatorToken = signed(operator, operator, { type: 'operator' })
  const accountToken = signed(operator, account, { type: 'account', limits: ACCOUNT_LIMITS })
  const userToken = signed(account, user, { type: 'user', pub: {}, sub: {}, ...UNLIMITED })
  const seed = new TextDecoder().decode(user.getSeed())
  return {
    config: [
      `operator: ${operatorToken}`,
      'resolver: MEMORY',
      `resolver_preload: { ${account.getPublicKey()}: ${accountToken} }`,
    ],
    creds: `${armoured('NATS USER JWT', userToken)}\n${armoured('USER NKEY SEED', seed)}`,
  }
}

/** What `issuer` says of `subject`, in the form that nats-server reads. */
function signed(issuer: KeyPair, subject: KeyPair, nats: object): string {
  const name = subject.getPublicKey()
  const claims = {
    jti: name,
    iat: 1_700_000_000,
    iss: issuer.getPublicKey(),
    name,
    sub: name,
    nats: { ...nats, version: 2 },
  }
  const text = `${base64url(JSON.stringify({ typ: 'JWT', alg: 'ed25519-nkey' }))}.${base64url(JSON.stringify(claims))}`
  return `${text}.${base64url(issuer.sign(new TextEncoder().encode(text)))}`
}

function armoured(what: string, text: string): string {
  return `-----BEGIN ${what}-----\n${text}\n------END ${what}------\n`
}

function base64url(bytes: string | Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}
