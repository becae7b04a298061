/**
 * Where the page begins: the list of views, and the frame around them.
 */
import { Frame, type Section } from './app/frame.ts'
import { browserWorld } from './browser-world.ts'
import { openData } from './views/data.ts'
import { openElection } from './views/election.ts'
import { openEvents } from './views/events.ts'
import { openHeatmap } from './views/heatmap.ts'
import { openOperator, openOperators } from './views/operators.ts'
import { openOverview } from './views/overview.ts'
import { openRpcLog } from './views/rpc-log.ts'
import { openSettings } from './views/settings.ts'
import { openShard } from './views/shard.ts'
import { openShardMap } from './views/shard-map.ts'
import { openStore } from './views/store.ts'
import { openStores } from './views/stores.ts'

const SECTIONS: readonly Section[] = [
  { view: '', name: 'Overview', shortcut: 'o', open: openOverview },
  { view: 'shards', name: 'Shard map', shortcut: 's', open: openShardMap, openItem: openShard },
  { view: 'heatmap', name: 'Heat map', shortcut: 'h', open: openHeatmap },
  { view: 'stores', name: 'Stores', shortcut: 't', open: openStores, openItem: openStore },
  { view: 'operators', name: 'Operators', shortcut: 'p', open: openOperators, openItem: openOperator },
  { view: 'events', name: 'Events', shortcut: 'e', open: openEvents },
  { view: 'rpc', name: 'RPC log', shortcut: 'l', open: openRpcLog },
  { view: 'data', name: 'Data', shortcut: 'd', open: openData },
  { view: 'settings', name: 'Settings', shortcut: 'c', open: openSettings },
  { view: 'election', name: 'Election', isHidden: true, open: openElection, openItem: openElection },
]

const root = document.getElementById('console')
if (root !== null) new Frame(root, browserWorld, SECTIONS).start()
