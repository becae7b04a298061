/**
 * Doing something to the cluster, always in the same three steps: what would happen and the command line that does the same, then the doing, then
 * what became of it. What can be done is described by its callers; nothing is done here without a click on its name.
 */
import { asFailure, type Failure } from '../api/client.ts'
import type { Operator } from '../api/shapes.ts'
import type { Dialog } from '../app/dialogs.ts'
import type { Context } from '../app/page.ts'
import { type Child, h, type VirtualNode } from '../dom/node.ts'
import { commandLine, curlLine } from './command.ts'
import { copyButton } from './copy.ts'
import { type Field, fieldNode, type Values } from './fields.ts'
import { operatorPreview, operatorProgress } from './operators.ts'
import { button, failureNotice } from './pieces.ts'

export interface Plan {
  readonly method: 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  readonly path: string
  readonly json?: unknown
  readonly bytes?: Uint8Array<ArrayBuffer>
  readonly headers?: Readonly<Record<string, string>>
  /** After `flotilla`; absent where it has no word for this. */
  readonly command?: readonly string[]
}

export interface Action {
  readonly title: string
  readonly about: Child
  readonly fields?: readonly Field[]
  /** On the button that does it. */
  readonly verb: string
  readonly isDangerous?: boolean
  /** Text: what is still missing. */
  plan(values: Values): Plan | string
  /** Absent: the gateway is asked with `dry_run=true`. */
  dryRun?(values: Values): Child
  /** The gateway's answer to a dry run says that there is nothing to be done. */
  isNothing?(answer: unknown): boolean
  /** Shows the gateway's answer to a dry run; operators by default. */
  preview?(answer: unknown): Child
  /** With the gateway's answer. Where it is an operator, its steps are shown until it has ended. */
  done?(answer: unknown): void
}

export function act(context: Context, action: Action): void {
  context.dialogs.show(new ActionDialog(context, action))
}

type Phase = 'asking' | 'doing' | 'following' | 'done'

/** After the last keystroke. */
const TYPING_MS = 250
const FOLLOW_MS = 500

class ActionDialog implements Dialog {
  readonly title: string
  readonly #context: Context
  readonly #action: Action
  readonly #values: Record<string, string> = {}
  #phase: Phase = 'asking'
  #tried: { readonly answer: unknown } | undefined
  #failure: Failure | undefined
  #operator: Operator | undefined
  #cancelWaiting: (() => void) | undefined
  /** Answers to earlier questions come too late. */
  #question = 0

  constructor(context: Context, action: Action) {
    this.#context = context
    this.#action = action
    this.title = action.title
    for (const { name, initial } of action.fields ?? []) this.#values[name] = initial
    void this.#try()
  }

  closed(): void {
    this.#question++
    this.#cancelWaiting?.()
  }

  async #try(): Promise<void> {
    const question = ++this.#question
    this.#tried = undefined
    this.#failure = undefined
    const plan = this.#action.plan(this.#values)
    if (typeof plan === 'string' || this.#action.dryRun !== undefined) return
    try {
      const path = `${plan.path}${plan.path.includes('?') ? '&' : '?'}dry_run=true`
      const answer = await this.#context.client.json(path, requestOf(plan))
      if (question === this.#question) this.#tried = { answer }
    } catch (error) {
      if (question === this.#question) this.#failure = asFailure(error)
    }
    this.#context.redraw()
  }

  #change(name: string, value: string): void {
    this.#values[name] = value
    this.#tried = undefined
    this.#question++
    this.#cancelWaiting?.()
    this.#cancelWaiting = this.#context.world.after(TYPING_MS, () => void this.#try())
  }

  async #do(): Promise<void> {
    const plan = this.#action.plan(this.#values)
    if (typeof plan === 'string' || this.#phase !== 'asking') return
    this.#phase = 'doing'
    this.#failure = undefined
    try {
      const answer = await this.#context.client.json<unknown>(plan.path, requestOf(plan))
      this.#phase = 'done'
      if (isOperator(answer) && answer.id !== null) this.#follow(answer)
      this.#action.done?.(answer)
    } catch (error) {
      this.#phase = 'asking'
      this.#failure = asFailure(error)
    }
    this.#context.redraw()
  }

  #follow(operator: Operator): void {
    this.#operator = operator
    this.#phase = operator.state === 'running' ? 'following' : 'done'
    if (this.#phase === 'done') return
    const question = this.#question
    this.#cancelWaiting = this.#context.world.after(FOLLOW_MS, () => {
      this.#context.client
        .json<Operator>(`admin/operators/${operator.id}`)
        .then((next) => question === this.#question && this.#follow(next))
        // The driver may be moving; the next look will tell.
        .catch((error: unknown) => asFailure(error) && question === this.#question && this.#follow(operator))
        .finally(() => this.#context.redraw())
    })
  }

  render(): Child {
    return this.#phase === 'following' || this.#phase === 'done' ? this.#outcome() : this.#form()
  }

  #form(): VirtualNode {
    const { about, fields = [], isDangerous, verb, dryRun } = this.#action
    const plan = this.#action.plan(this.#values)
    const missing = typeof plan === 'string' ? plan : undefined
    const mayAct = missing === undefined && this.#phase === 'asking' && (dryRun !== undefined || this.#isWorthwhile)
    return h(
      'form',
      {
        onsubmit: (event: Event) => {
          event.preventDefault()
          if (mayAct) void this.#do()
        },
      },
      h('p.muted', about),
      fields
        .filter(({ matters }) => matters === undefined || matters(this.#values))
        .map((field, position) =>
          fieldNode(field, this.#values, position === 0, (value) => this.#change(field.name, value)),
        ),
      h('div.would', h('h3', 'What would happen'), this.#preview(missing)),
      this.#failure !== undefined && failureNotice(this.#failure),
      typeof plan !== 'string' && commandNode(lineOf(plan, this.#context.endpoint), this.#context),
      h(
        'footer',
        button('Cancel', () => this.#context.dialogs.close(this), { autofocus: fields.length === 0 }),
        h(
          'button',
          { type: 'submit', class: isDangerous === true ? 'danger' : 'primary', disabled: !mayAct },
          this.#phase === 'doing' ? 'Working …' : verb,
        ),
      ),
    )
  }

  get #isWorthwhile(): boolean {
    return this.#tried !== undefined && this.#action.isNothing?.(this.#tried.answer) !== true
  }

  #preview(missing: string | undefined): Child {
    if (missing !== undefined) return h('p.muted', missing)
    const { dryRun, preview } = this.#action
    if (dryRun !== undefined) return dryRun.call(this.#action, this.#values)
    if (this.#tried === undefined)
      return h('p.muted', this.#failure === undefined ? 'Asking …' : 'Nothing: it cannot be done.')
    return (preview ?? operatorPreview)(this.#tried.answer)
  }

  #outcome(): VirtualNode {
    return h(
      'div.outcome',
      this.#operator === undefined ? h('p', { role: 'status' }, 'Done.') : operatorProgress(this.#operator),
      h(
        'footer',
        h(
          'button.primary',
          { type: 'button', autofocus: true, onclick: () => this.#context.dialogs.close(this) },
          'Close',
        ),
      ),
    )
  }
}

function requestOf({ method, json, bytes, headers }: Plan) {
  return {
    method,
    ...(json === undefined ? {} : { json }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(headers === undefined ? {} : { headers }),
  }
}

function isOperator(answer: unknown): answer is Operator {
  return typeof answer === 'object' && answer !== null && 'steps' in answer && 'state' in answer
}

function lineOf({ command, method, path }: Plan, endpoint: string): string {
  return command === undefined ? curlLine(method, `${endpoint}/${path}`) : commandLine(command, endpoint)
}

/** Lines end between words, so that no option is torn at its hyphens. */
function wordsOf(command: string): Child {
  return command.split(' ').map((word, position) => [position > 0 && ' ', h('span', word)])
}

function commandNode(command: string, context: Context): VirtualNode {
  return h(
    'div.command',
    h('h3', 'The same on the command line'),
    h('div', h('code', wordsOf(command)), copyButton(command, context)),
  )
}
