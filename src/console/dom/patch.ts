/**
 * Makes the document look as a view says, changing only what differs, so that focus, selection and scrolling survive a redraw. Listeners of all
 * elements end in one place, which redraws after each. Knows nothing of what is drawn.
 */
import type { Properties, VirtualNode } from './node.ts'

interface Mounted {
  readonly key: string
  node: VirtualNode | string
  readonly dom: Element | Text
  children: Mounted[]
  leave: (() => void) | undefined
  readonly listener: Listener | undefined
}

type Listen = (event: Event) => unknown

/** One for each element with listeners; looks up the newest function, so that redraws need not exchange listeners. */
class Listener implements EventListenerObject {
  properties: Properties
  readonly #afterwards: () => void

  constructor(properties: Properties, afterwards: () => void) {
    this.properties = properties
    this.#afterwards = afterwards
  }

  handleEvent(event: Event): void {
    const listen = this.properties[`on${event.type}`] as Listen | undefined
    if (listen === undefined) return
    listen(event)
    this.#afterwards()
  }
}

const SVG = 'http://www.w3.org/2000/svg'
const OWN_NAMES: ReadonlySet<string> = new Set(['key', 'style', 'mounted', 'drawn'])
/** Attributes that only say the first value; what the element shows is the property. */
const AS_PROPERTIES: ReadonlySet<string> = new Set(['value', 'checked', 'selected', 'indeterminate'])

export class Painter {
  readonly #root: Element
  readonly #afterEvents: () => void
  #mounted: Mounted[] = []
  #drawn: (() => void)[] = []

  /** `afterEvents` is called after each listener. */
  constructor(root: Element, afterEvents: () => void) {
    this.#root = root
    this.#afterEvents = afterEvents
  }

  draw(nodes: readonly (VirtualNode | string)[]): void {
    this.#mounted = this.#patchChildren(this.#root, this.#mounted, nodes)
    const drawn = this.#drawn
    this.#drawn = []
    for (const run of drawn) run()
  }

  #patchChildren(parent: Element, before: readonly Mounted[], nodes: readonly (VirtualNode | string)[]): Mounted[] {
    const old = new Map(before.map((mounted) => [mounted.key, mounted]))
    const ordinals = new Map<string, number>()
    const after = nodes.map((node) => {
      const key = keyOf(node, ordinals)
      const known = old.get(key)
      if (known === undefined) return this.#create(parent, key, node)
      old.delete(key)
      this.#update(known, node)
      return known
    })
    for (const gone of old.values()) {
      leaveAll(gone)
      gone.dom.remove()
    }
    let next: ChildNode | null = parent.firstChild
    for (const { dom } of after) {
      if (dom === next) next = next.nextSibling
      else parent.insertBefore(dom, next)
    }
    return after
  }

  #create(parent: Element, key: string, node: VirtualNode | string): Mounted {
    if (typeof node === 'string') {
      const dom = document.createTextNode(node)
      return { key, node, dom, children: [], leave: undefined, listener: undefined }
    }
    const isSvg = node.tag === 'svg' || parent.namespaceURI === SVG
    const dom = isSvg ? document.createElementNS(SVG, node.tag) : document.createElement(node.tag)
    const hasListeners = Object.keys(node.properties).some(isListener)
    const listener = hasListeners ? new Listener(node.properties, this.#afterEvents) : undefined
    for (const name of Object.keys(node.properties)) {
      if (listener !== undefined && isListener(name)) dom.addEventListener(name.slice(2), listener)
    }
    const mounted: Mounted = { key, node, dom, children: [], leave: undefined, listener }
    mounted.children = this.#patchChildren(dom, [], node.children)
    // After the children: a select shows a value only when it has that option.
    setProperties(dom, {}, node.properties)
    const { mounted: whenMounted } = node.properties
    // The element is in the document only when its parents are.
    if (whenMounted !== undefined) this.#drawn.push(() => (mounted.leave = whenMounted(dom)))
    this.#whenDrawn(dom, node)
    return mounted
  }

  #update(mounted: Mounted, node: VirtualNode | string): void {
    const { dom, node: before } = mounted
    mounted.node = node
    if (typeof node === 'string' || typeof before === 'string') {
      if (before !== node) dom.textContent = String(node)
      return
    }
    if (before === node) return
    const element = dom as Element
    mounted.children = this.#patchChildren(element, mounted.children, node.children)
    setProperties(element, before.properties, node.properties)
    if (mounted.listener !== undefined) mounted.listener.properties = node.properties
    this.#whenDrawn(element, node)
  }

  #whenDrawn(element: Element, node: VirtualNode): void {
    const { drawn } = node.properties
    if (drawn !== undefined) this.#drawn.push(() => drawn(element))
  }
}

/** Elements that gain listeners later get them only when they have had some from the start, so that is part of what they are. */
function keyOf(node: VirtualNode | string, ordinals: Map<string, number>): string {
  if (typeof node === 'string') return ordinal('#', ordinals)
  const listens = Object.keys(node.properties).filter(isListener).sort().join()
  const kind = `${node.tag} ${listens}`
  const { key } = node.properties
  return key === undefined ? ordinal(kind, ordinals) : `${kind} =${key}`
}

function ordinal(kind: string, ordinals: Map<string, number>): string {
  const count = ordinals.get(kind) ?? 0
  ordinals.set(kind, count + 1)
  return `${kind} ${count}`
}

function isListener(name: string): boolean {
  return name.startsWith('on')
}

function leaveAll(mounted: Mounted): void {
  for (const child of mounted.children) leaveAll(child)
  mounted.leave?.()
}

function setProperties(element: Element, before: Properties, after: Properties): void {
  for (const name of Object.keys(before)) {
    if (!(name in after) && !OWN_NAMES.has(name) && !isListener(name)) setOne(element, name, undefined)
  }
  for (const [name, value] of Object.entries(after)) {
    if (OWN_NAMES.has(name) || isListener(name)) continue
    if (AS_PROPERTIES.has(name) || before[name] !== value) setOne(element, name, value)
  }
  setStyle(element, before.style, after.style)
}

function setOne(element: Element, name: string, value: unknown): void {
  if (AS_PROPERTIES.has(name) && name in element) {
    const holder = element as unknown as Record<string, unknown>
    if (holder[name] !== value && value !== undefined) holder[name] = value
    return
  }
  if (value === undefined || value === null || value === false) element.removeAttribute(name)
  else element.setAttribute(name, value === true ? '' : String(value))
}

function setStyle(element: Element, before: Properties['style'], after: Properties['style']): void {
  if (before === after) return
  const { style } = element as HTMLElement
  for (const name of Object.keys(before ?? {})) if (after?.[name] === undefined) style.removeProperty(name)
  for (const [name, value] of Object.entries(after ?? {})) if (before?.[name] !== value) style.setProperty(name, value)
}
