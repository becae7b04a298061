/**
 * The token of this tab: asked for when the gateway refuses, kept until the tab closes, sent with every request.
 */
import type { Credentials, Failure } from '../api/client.ts'
import { type Child, h } from '../dom/node.ts'
import type { World } from '../world.ts'
import type { Dialog, Dialogs } from './dialogs.ts'

const NAME = 'flotilla.token'

export class Session implements Credentials {
  readonly #world: World
  readonly #dialogs: Dialogs
  readonly #changed: () => void
  #prompt: TokenDialog | undefined
  /** Somebody closed the question; it is not asked again by itself. */
  #isDismissed = false

  /** `changed` is called when there is another token. */
  constructor(world: World, dialogs: Dialogs, changed: () => void) {
    this.#world = world
    this.#dialogs = dialogs
    this.#changed = changed
  }

  get token(): string | undefined {
    return this.#world.session.getItem(NAME) ?? undefined
  }

  refused(failure: Failure): void {
    if (this.#prompt === undefined && !this.#isDismissed) this.ask(this.token === undefined ? undefined : failure)
  }

  ask(failure?: Failure): void {
    const prompt = new TokenDialog(failure, (token) => {
      this.#world.session.setItem(NAME, token)
      this.#dialogs.close(prompt)
      this.#isDismissed = false
      this.#changed()
    })
    prompt.closed = () => {
      this.#prompt = undefined
      this.#isDismissed = true
    }
    this.#prompt = prompt
    this.#dialogs.show(prompt)
  }

  forget(): void {
    this.#world.session.removeItem(NAME)
    this.#changed()
  }
}

class TokenDialog implements Dialog {
  readonly title = 'A token is needed'
  closed?: () => void
  readonly #failure: Failure | undefined
  readonly #submit: (token: string) => void
  #text = ''

  constructor(failure: Failure | undefined, submit: (token: string) => void) {
    this.#failure = failure
    this.#submit = submit
  }

  render(): Child {
    return h(
      'form',
      {
        onsubmit: (event: Event) => {
          event.preventDefault()
          if (this.#text.trim() !== '') this.#submit(this.#text.trim())
        },
      },
      h('p', 'This gateway lets in only who has a token. It is kept in this tab until the tab is closed.'),
      this.#failure !== undefined && h('p.notice.bad', 'The gateway does not take the last one.'),
      h(
        'label.field',
        h('span', 'Token'),
        h('input', {
          type: 'password',
          name: 'token',
          autocomplete: 'off',
          autofocus: true,
          value: this.#text,
          oninput: (event: Event) => {
            this.#text = (event.target as HTMLInputElement).value
          },
        }),
      ),
      h('footer', h('button.primary', { type: 'submit', disabled: this.#text.trim() === '' }, 'Go on')),
    )
  }
}
