/** The RPC log of a store process, as its configuration wants it. */
import path from 'node:path'
import type { Clock, EventSink } from '../base/index.ts'
import { RpcLog } from '../observe/index.ts'
import type { Config } from './config/index.ts'

const FOLDER = 'rpc-log'

export async function openRpcLog(config: Config, clock: Clock, events: EventSink): Promise<RpcLog | undefined> {
  const { store, storage, observability } = config
  const { enabled, maxRows } = observability.rpcLog
  if (!enabled || maxRows === 0) return undefined
  return RpcLog.open({
    store: store.id,
    clock,
    directory: storage.engine === 'memory' ? undefined : path.join(store.dir, FOLDER),
    maxRows,
    onFailure: (error) => events.emit({ type: 'rpc_log_failed', data: { error: error.message } }),
  })
}
