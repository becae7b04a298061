/**
 * Dialogs over the page, one above the other. The browser's own modal dialog keeps the focus inside, gives it back afterwards, and closes on Escape.
 */
import { type Child, h, type VirtualNode } from '../dom/node.ts'

export interface Dialog {
  readonly title: string
  render(): Child
  /** Called once, however it was closed. */
  closed?(): void
}

interface Open {
  readonly id: number
  readonly dialog: Dialog
}

export class Dialogs {
  readonly #redraw: () => void
  #open: readonly Open[] = []
  #count = 0

  constructor(redraw: () => void) {
    this.#redraw = redraw
  }

  get isEmpty(): boolean {
    return this.#open.length === 0
  }

  show(dialog: Dialog): void {
    this.#count++
    this.#open = [...this.#open, { id: this.#count, dialog }]
    this.#redraw()
  }

  close(dialog: Dialog): void {
    const found = this.#open.find((each) => each.dialog === dialog)
    if (found === undefined) return
    this.#open = this.#open.filter((each) => each !== found)
    dialog.closed?.()
    this.#redraw()
  }

  closeAll(): void {
    for (const { dialog } of this.#open) this.close(dialog)
  }

  render(): Child {
    return this.#open.map((open) => this.#frame(open))
  }

  #frame({ id, dialog }: Open): VirtualNode {
    const close = (): void => this.close(dialog)
    return h(
      'dialog',
      {
        key: `dialog-${id}`,
        'aria-labelledby': `dialog-${id}`,
        mounted: (element) => {
          ;(element as HTMLDialogElement).showModal()
          return undefined
        },
        onclose: close,
        // A click on the backdrop has the dialog itself as target; one inside has a part of it.
        onmousedown: (event: Event) => {
          if (event.target === event.currentTarget) close()
        },
      },
      h(
        'div.dialog',
        h(
          'header',
          h('h2', { id: `dialog-${id}` }, dialog.title),
          h('button.quiet', { type: 'button', 'aria-label': 'Close', onclick: close }, '✕'),
        ),
        dialog.render(),
      ),
    )
  }
}
