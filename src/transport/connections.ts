/** Which of a process's channels share a connection to the broker. Adapters that have real or simulated connections open one wire per row. */
import { BULK, CHANNELS, type Channel, CONTROL, RAFT, REQUEST } from './channels.ts'

export const CONNECTIONS: Readonly<Record<'store' | 'client', readonly (readonly Channel[])[]>> = {
  store: [[CONTROL], [RAFT, REQUEST], [BULK]],
  client: [CHANNELS],
}
