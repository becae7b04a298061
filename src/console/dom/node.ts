/**
 * What a view says the page should look like: plain values, made anew at each redraw and compared by `patch.ts`. Text is always text: there is no way
 * to say markup, so a key or a value that looks like some stays what it is. Touches no document.
 */

export interface Properties {
  /** Tells children of one parent apart when they move; without it, the n-th child of a tag stays the n-th. */
  readonly key?: string | number
  readonly class?: string | undefined
  /** Set through the style object, which a strict Content-Security-Policy allows. */
  readonly style?: Readonly<Record<string, string>>
  /** Called once with the new element; what it answers is called when the element goes. */
  readonly mounted?: (element: object) => (() => void) | undefined
  /** Called after each redraw that kept or made the element. */
  readonly drawn?: (element: object) => void
  /** `onclick` and its like are listeners; all others are attributes, or properties where only those work. */
  readonly [name: string]: unknown
}

export interface VirtualNode {
  readonly tag: string
  readonly properties: Properties
  readonly children: readonly (VirtualNode | string)[]
}

export type Child = VirtualNode | string | number | false | null | undefined | readonly Child[]

const NONE: Properties = {}

/** An element: `h('div.card.wide', { id: 'x' }, 'text', h('b', 'more'))`. Children that are false, null or undefined are left out. */
export function h(selector: string, ...rest: readonly (Properties | Child)[]): VirtualNode {
  const [tag = 'div', ...classes] = selector.split('.')
  const [first, ...others] = rest
  const hasProperties = isProperties(first)
  const given = hasProperties ? first : NONE
  const children: (VirtualNode | string)[] = []
  for (const child of hasProperties ? others : rest) collect(child as Child, children)
  if (classes.length === 0) return { tag, properties: given, children }
  const all = given.class === undefined || given.class === '' ? classes : [...classes, given.class]
  return { tag, properties: { ...given, class: all.join(' ') }, children }
}

function isProperties(value: Properties | Child): value is Properties {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !('tag' in value && 'children' in value)
  )
}

function collect(child: Child, into: (VirtualNode | string)[]): void {
  if (child === false || child === null || child === undefined) return
  if (typeof child === 'string') into.push(child)
  else if (typeof child === 'number') into.push(String(child))
  else if (Array.isArray(child)) for (const inner of child as readonly Child[]) collect(inner, into)
  else into.push(child as VirtualNode)
}
