/**
 * The value of one key, as text, JSON or bytes, and the draft of another one. A draft is kept while the value is looked at again; saving it is refused
 * when the key has changed since it was begun.
 */
import { asFailure, type Failure } from '../api/client.ts'
import type { Context } from '../app/page.ts'
import { link } from '../app/route.ts'
import { type Child, h, type VirtualNode } from '../dom/node.ts'
import { act } from './action.ts'
import { bytes as size } from './format.ts'
import { deleteAction, saveAction } from './key-actions.ts'
import { hexBytes, hexDump, hexText, keyPath, keyText, percentText, utf8Bytes, utf8Text } from './keys.ts'
import { button, choices, facts, failureNotice, textOf } from './pieces.ts'

type Form = 'text' | 'json' | 'hex'

/** More is not shown, and not edited: a browser is no editor for it. */
const SHOWN_BYTES_MAX = 64 * 1024

interface Stored {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly revision: number
  readonly shard: string
  readonly epoch: string
}

interface Draft {
  readonly basedOn: Stored
  form: Form
  text: string
}

export class ValuePanel {
  readonly key: Uint8Array<ArrayBuffer>
  readonly #context: Context
  readonly #changed: () => void
  #stored: Stored | undefined
  #isAbsent = false
  #failure: Failure | undefined
  #form: Form | undefined
  #draft: Draft | undefined

  /** `changed` is called when something was saved or deleted here. */
  constructor(context: Context, key: Uint8Array<ArrayBuffer>, changed: () => void) {
    this.#context = context
    this.key = key
    this.#changed = changed
  }

  async refresh(): Promise<void> {
    try {
      const { answer, bytes } = await this.#context.client.bytes(keyPath(this.key))
      this.#stored = {
        bytes,
        revision: Number(answer.headers.get('Flotilla-Revision')),
        shard: answer.headers.get('Flotilla-Shard') ?? '',
        epoch: answer.headers.get('Flotilla-Epoch') ?? '',
      }
      this.#isAbsent = false
      this.#failure = undefined
    } catch (error) {
      const failure = asFailure(error)
      this.#isAbsent = failure.code === 'KEY_NOT_FOUND'
      this.#failure = this.#isAbsent ? undefined : failure
      if (this.#isAbsent) this.#stored = undefined
    }
    this.#context.redraw()
  }

  render(): Child {
    const stored = this.#stored
    return h(
      'div.value-panel',
      {
        key: percentText(this.key),
        // Far down a long list, and on a phone, it would be out of sight.
        mounted: (element) => {
          ;(element as HTMLElement).scrollIntoView({ block: 'nearest' })
          return undefined
        },
      },
      h('h2', h('code', keyText(this.key))),
      this.#failure !== undefined && failureNotice(this.#failure),
      this.#isAbsent && h('p.empty', 'The key does not exist.'),
      stored !== undefined && this.#render(stored),
    )
  }

  #render(stored: Stored): Child {
    const draft = this.#draft
    return [
      facts(
        ['Revision', stored.revision],
        ['Size', size(stored.bytes.length)],
        ['Shard', h('a', { href: link('shards', stored.shard) }, stored.shard)],
      ),
      draft === undefined ? this.#view(stored) : this.#editor(stored, draft),
    ]
  }

  #view(stored: Stored): Child {
    const form = this.#form ?? bestForm(stored.bytes)
    const shownBytes = stored.bytes.subarray(0, SHOWN_BYTES_MAX)
    const isWhole = shownBytes.length === stored.bytes.length
    const text = formed(shownBytes, form)
    return [
      h(
        'div.row',
        this.#choices(form, (chosen) => {
          this.#form = chosen
        }),
        button('Edit', () => this.#edit(stored, form), { disabled: !isWhole }),
        button('Delete …', () => act(this.#context, deleteAction(this.key, stored.revision, this.#changed))),
      ),
      text === undefined
        ? h('p.muted', form === 'json' ? 'It is not JSON.' : 'It is not UTF-8 text.')
        : h('pre.stored', { tabindex: '0', 'aria-label': 'Value' }, text === '' ? h('span.muted', 'empty') : text),
      !isWhole && h('p.muted', `The first ${size(SHOWN_BYTES_MAX)} are shown.`),
    ]
  }

  #choices(form: Form, choose: (form: Form) => void): VirtualNode {
    return choices<Form>(
      'Shown as',
      [
        { value: 'text', words: 'Text' },
        { value: 'json', words: 'JSON' },
        { value: 'hex', words: 'Hex' },
      ],
      form,
      choose,
    )
  }

  #edit(stored: Stored, form: Form): void {
    const possible = formed(stored.bytes, form) === undefined ? bestForm(stored.bytes) : form
    this.#draft = { basedOn: stored, form: possible, text: editable(stored.bytes, possible) }
  }

  #editor(stored: Stored, draft: Draft): Child {
    const value = draftBytes(draft)
    const { basedOn } = draft
    const isOutdated = basedOn.revision !== stored.revision
    return [
      this.#choices(draft.form, (form) => {
        if (value instanceof Uint8Array && formed(value, form) !== undefined) {
          draft.form = form
          draft.text = editable(value, form)
        }
      }),
      h('textarea', {
        rows: 14,
        spellcheck: 'false',
        autofocus: true,
        'aria-label': 'New value',
        value: draft.text,
        oninput: (event: Event) => {
          draft.text = textOf(event)
        },
      }),
      typeof value === 'string' && h('p.notice.warn', value),
      isOutdated &&
        h(
          'p.notice.warn',
          `The key has revision ${stored.revision} by now; this was begun at ${basedOn.revision}, so saving will be refused.`,
        ),
      h(
        'div.row',
        button('Save …', () => value instanceof Uint8Array && this.#save(draft, value), {
          class: 'primary',
          disabled: typeof value === 'string',
        }),
        button('Discard', () => {
          this.#draft = undefined
        }),
      ),
    ]
  }

  #save({ basedOn }: Draft, value: Uint8Array<ArrayBuffer>): void {
    const before = { bytes: basedOn.bytes.length, revision: basedOn.revision }
    act(
      this.#context,
      saveAction(this.key, value, before, () => {
        this.#draft = undefined
        this.#changed()
      }),
    )
  }
}

function bestForm(bytes: Uint8Array): Form {
  const text = utf8Text(bytes)
  if (text === undefined) return 'hex'
  return /^\s*[[{]/.test(text) && formed(bytes, 'json') !== undefined ? 'json' : 'text'
}

/** Undefined where the bytes are nothing of the kind. */
function formed(bytes: Uint8Array, form: Form): string | undefined {
  if (form === 'hex') return hexDump(bytes, SHOWN_BYTES_MAX)
  const text = utf8Text(bytes)
  if (text === undefined || form === 'text') return text
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    // Not JSON.
    return undefined
  }
}

function editable(bytes: Uint8Array, form: Form): string {
  return form === 'hex' ? hexText(bytes) : (formed(bytes, form) ?? '')
}

/** The bytes that a draft stands for, or what is wrong with it. */
function draftBytes({ form, text }: Draft): Uint8Array<ArrayBuffer> | string {
  switch (form) {
    case 'text':
      return utf8Bytes(text)
    case 'hex':
      return hexBytes(text) ?? 'Bytes are pairs of hex digits.'
    case 'json':
      try {
        JSON.parse(text)
      } catch (error) {
        // What the browser says of it helps whoever typed it.
        return `It is not JSON: ${String(error instanceof Error ? error.message : error)}`
      }
      return utf8Bytes(text)
  }
}
