/**
 * Where the page begins: the list of views, and the frame around them.
 */
import { Frame, type Section } from './app/frame.ts'
import { browserWorld } from './browser-world.ts'
import { openOperator, openOperators } from './views/operators.ts'
import { openOverview } from './views/overview.ts'
import { openShard } from './views/shard.ts'
import { openShardMap } from './views/shard-map.ts'
import { openStore } from './views/store.ts'
import { openStores } from './views/stores.ts'

const SECTIONS: readonly Section[] = [
  { view: '', name: 'Overview', shortcut: 'o', open: openOverview },
  { view: 'shards', name: 'Shard map', shortcut: 's', open: openShardMap, openItem: openShard },
  { view: 'stores', name: 'Stores', shortcut: 't', open: openStores, openItem: openStore },
  { view: 'operators', name: 'Operators', shortcut: 'p', open: openOperators, openItem: openOperator },
]

const root = document.getElementById('console')
if (root !== null) new Frame(root, browserWorld, SECTIONS).start()
