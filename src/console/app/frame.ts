/**
 * The page around the views: navigation, the state of the cluster in a corner, shortcuts, the redrawing. Composes what lies below; `main.ts` starts it.
 */
import { Client, type Failure } from '../api/client.ts'
import type { Status } from '../api/shapes.ts'
import { type Child, h, type VirtualNode } from '../dom/node.ts'
import { Painter } from '../dom/patch.ts'
import type { World } from '../world.ts'
import { Dialogs } from './dialogs.ts'
import { Loaded } from './loaded.ts'
import type { Context, OpenPage, Page } from './page.ts'
import { Pulse } from './pulse.ts'
import { Readings } from './readings.ts'
import { link, routeOf } from './route.ts'
import { Session } from './session.ts'
import { helpDialog, Shortcuts } from './shortcuts.ts'
import { applyTheme, chosenTheme, nextTheme } from './theme.ts'

export interface Section {
  /** The first word of its links. */
  readonly view: string
  readonly name: string
  /** Pressed after `g`. */
  readonly shortcut?: string
  /** Reached from other views only. */
  readonly isHidden?: boolean
  readonly open: OpenPage
  /** Opens one of many, where the link names one. */
  readonly openItem?: OpenPage
}

const TELL_MS = 3_000

export class Frame {
  readonly #world: World
  readonly #sections: readonly Section[]
  readonly #painter: Painter
  readonly #context: Context
  readonly #session: Session
  readonly #dialogs: Dialogs
  readonly #status: Loaded<Status>
  readonly #shortcuts: Shortcuts
  #pulse: Pulse | undefined
  #page: Page | undefined
  #view = ''
  #shownHash = ''
  #isMenuOpen = false
  #told: string | undefined
  #cancelTold: (() => void) | undefined
  #willDraw = false

  constructor(root: Element, world: World, sections: readonly Section[]) {
    this.#world = world
    this.#sections = sections
    const redraw = (): void => this.redraw()
    this.#painter = new Painter(root, redraw)
    this.#dialogs = new Dialogs(redraw)
    this.#session = new Session(world, this.#dialogs, () => this.#begin())
    const client = new Client(this.#session)
    this.#status = new Loaded(redraw, () => client.json<Status>('admin/status'))
    this.#context = {
      client,
      world,
      dialogs: this.#dialogs,
      readings: new Readings(),
      endpoint: location.origin,
      redraw,
      go: (target) => {
        location.hash = target
      },
      rename: (target) => {
        this.#shownHash = target
        history.replaceState(null, '', target)
      },
      tell: (words) => this.#tell(words),
    }
    this.#shortcuts = new Shortcuts({
      goTo: new Map(
        sections.flatMap(({ shortcut, view }) =>
          shortcut === undefined ? [] : [[shortcut, () => this.#context.go(link(view))] as const],
        ),
      ),
      keys: new Map([
        ['?', () => this.#dialogs.show(helpDialog(sections))],
        ['t', () => this.#tell(`Colours: ${nextTheme(world)}`)],
        ['r', () => this.#pulse?.soon(0)],
      ]),
      areOff: () => !this.#dialogs.isEmpty,
    })
  }

  start(): void {
    applyTheme(chosenTheme(this.#world))
    addEventListener('hashchange', () => this.#follow())
    document.addEventListener('keydown', (event) => this.#shortcuts.take(event))
    this.#begin()
  }

  redraw(): void {
    if (this.#willDraw) return
    this.#willDraw = true
    this.#world.beforePaint(() => {
      this.#willDraw = false
      this.#painter.draw(this.#render())
    })
  }

  /** With the token there is now. */
  #begin(): void {
    this.#pulse?.stop()
    this.#open()
    this.#pulse = new Pulse(
      this.#context.client,
      this.#world,
      () => this.#refresh(),
      () => this.redraw(),
    )
  }

  async #refresh(): Promise<boolean> {
    await Promise.all([this.#page?.refresh(), this.#status.load()])
    this.redraw()
    return (this.#status.value?.operators.running ?? 0) > 0
  }

  #follow(): void {
    if (location.hash === this.#shownHash) return
    this.#dialogs.closeAll()
    this.#open()
    void this.#refresh()
  }

  #open(): void {
    this.#page?.close?.()
    this.#isMenuOpen = false
    this.#shownHash = location.hash
    const route = routeOf(location.hash)
    const section = this.#sections.find(({ view }) => view === route.view)
    this.#view = section?.view ?? 'nowhere'
    if (section === undefined) this.#page = lostPage()
    else if (route.item !== '' && section.openItem !== undefined) this.#page = section.openItem(this.#context, route)
    else this.#page = section.open(this.#context, route)
    document.title = `${this.#page.title} · Flotilla`
    scrollTo(0, 0)
    this.redraw()
  }

  #tell(words: string): void {
    this.#told = words
    this.#cancelTold?.()
    this.#cancelTold = this.#world.after(TELL_MS, () => {
      this.#told = undefined
      this.redraw()
    })
    this.redraw()
  }

  #render(): VirtualNode[] {
    return [
      h('a.skip', { href: '#content', onclick: (event: Event) => this.#skip(event) }, 'Skip to content'),
      h('div.frame', this.#side(), h('main', { id: 'content', tabindex: '-1' }, this.#page?.render())),
      h('div', { key: 'dialogs' }, this.#dialogs.render()),
      h('output.toast', { key: 'toast', class: this.#told === undefined ? 'hidden' : '' }, this.#told ?? ''),
    ]
  }

  /** The link would be taken for a view. */
  #skip(event: Event): void {
    event.preventDefault()
    document.getElementById('content')?.focus()
  }

  #side(): VirtualNode {
    return h(
      'aside',
      { class: this.#isMenuOpen ? 'open' : '' },
      h(
        'div.brand',
        h('a', { href: link(''), 'aria-label': 'Flotilla, overview' }, logo(), h('b', 'Flotilla')),
        h(
          'button.quiet.menu',
          {
            type: 'button',
            'aria-expanded': String(this.#isMenuOpen),
            'aria-controls': 'views',
            onclick: () => {
              this.#isMenuOpen = !this.#isMenuOpen
            },
          },
          'Menu',
        ),
      ),
      h(
        'nav',
        { id: 'views', 'aria-label': 'Views' },
        this.#sections
          .filter(({ isHidden }) => isHidden !== true)
          .map(({ view, name, shortcut }) =>
            h(
              'a',
              {
                href: link(view),
                'aria-current': view === this.#view ? 'page' : undefined,
                'aria-keyshortcuts': `g ${shortcut}`,
              },
              name,
            ),
          ),
      ),
      h('div.corner', this.#health(), this.#corner()),
    )
  }

  #health(): Child {
    const { value, failure } = this.#status
    const [state, words] = failure !== undefined ? failureWords(failure) : stateWords(value)
    return h(
      'a.health',
      { href: link(''), title: failure?.message ?? value?.health ?? '' },
      h('span.dot', { class: state }),
      words,
      h('span.muted', { title: 'Events of this store' }, this.#pulse?.state === 'live' ? 'live' : 'polling'),
    )
  }

  #corner(): Child {
    const theme = chosenTheme(this.#world)
    return h(
      'div.tools',
      h(
        'button.quiet',
        { type: 'button', title: 'Light, dark, or as the system (t)', onclick: () => nextTheme(this.#world) },
        `Colours: ${theme}`,
      ),
      h('button.quiet', { type: 'button', onclick: () => this.#dialogs.show(helpDialog(this.#sections)) }, 'Keys (?)'),
      this.#status.failure?.status === 401 &&
        h('button', { type: 'button', onclick: () => this.#session.ask() }, 'Give a token'),
      this.#session.token !== undefined &&
        h('button.quiet', { type: 'button', onclick: () => this.#session.forget() }, 'Forget token'),
    )
  }
}

function logo(): VirtualNode {
  return h(
    'svg',
    { viewBox: '0 0 32 32', width: 26, height: 26, 'aria-hidden': 'true' },
    h('path', { d: 'M15 4 L15 19 L5 19 Z', fill: 'var(--accent)' }),
    h('path', { d: 'M17 8 L17 19 L26 19 Z', fill: 'var(--accent)', opacity: '.55' }),
    h('path', { d: 'M4 22 L28 22 L24 27 L8 27 Z', fill: 'currentColor' }),
  )
}

/** A gateway that refuses does answer, and says nothing of the cluster. */
function failureWords({ status }: Failure): readonly [state: string, words: string] {
  if (status === 401) return ['idle', 'Token needed']
  return status === 403 ? ['idle', 'Not for this token'] : ['bad', 'No answer']
}

function stateWords(status: Status | undefined): readonly [state: string, words: string] {
  if (status === undefined) return ['idle', 'Asking …']
  return status.ok ? ['good', 'Healthy'] : ['warn', 'Degraded']
}

function lostPage(): Page {
  return {
    title: 'Nothing here',
    render: () =>
      h('p.empty', 'There is no such view. ', h('a', { href: link('') }, 'The overview'), ' is a good place to begin.'),
    refresh: () => Promise.resolve(),
  }
}
