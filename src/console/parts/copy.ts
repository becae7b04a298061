/**
 * A button that puts a text on the clipboard. Browsers allow that only to pages from a safe origin; elsewhere the text can still be selected.
 */
import type { Context } from '../app/page.ts'
import type { Child } from '../dom/node.ts'
import { button } from './pieces.ts'

export function copyButton(text: string, context: Context): Child {
  if (!('clipboard' in navigator)) return null
  return button(
    'Copy',
    () => {
      navigator.clipboard.writeText(text).then(
        () => context.tell('Copied'),
        // Refused by the browser or its user.
        () => context.tell('The browser does not allow it'),
      )
    },
    { class: 'quiet' },
  )
}
