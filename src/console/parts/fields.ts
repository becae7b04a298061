/**
 * Fields of forms: one line of text, one of several, a number. Their values are texts; whoever asks knows what they mean.
 */
import { h, type VirtualNode } from '../dom/node.ts'
import { textOf } from './pieces.ts'

export type Values = Readonly<Record<string, string>>

interface FieldBase {
  readonly name: string
  readonly label: string
  readonly initial: string
  /** Whether it matters now; always, where this is absent. */
  readonly matters?: (values: Values) => boolean
}

export type Field = FieldBase &
  (
    | { readonly kind: 'text'; readonly hint?: string }
    | { readonly kind: 'number'; readonly min: number; readonly max: number }
    | { readonly kind: 'choice'; readonly options: readonly (readonly [value: string, words: string])[] }
  )

/** `isFirst`: it has the focus when its dialog opens. */
export function fieldNode(
  field: Field,
  values: Values,
  isFirst: boolean,
  change: (value: string) => void,
): VirtualNode {
  return h('label.field', { key: field.name }, h('span', field.label), inputNode(field, values, isFirst, change))
}

function inputNode(field: Field, values: Values, isFirst: boolean, change: (value: string) => void): VirtualNode {
  const value = values[field.name] ?? ''
  const common = { name: field.name, value, autofocus: isFirst }
  switch (field.kind) {
    case 'text':
      return h('input', {
        ...common,
        type: 'text',
        autocomplete: 'off',
        spellcheck: 'false',
        placeholder: field.hint,
        oninput: (event: Event) => change(textOf(event)),
      })
    case 'number':
      return h('input', {
        ...common,
        type: 'number',
        min: field.min,
        max: field.max,
        oninput: (event: Event) => change(textOf(event)),
      })
    case 'choice':
      return h(
        'select',
        { ...common, onchange: (event: Event) => change(textOf(event)) },
        field.options.map(([option, words]) => h('option', { key: option, value: option }, words)),
      )
  }
}
