/**
 * The four streams between two processes: the three lanes of the port, and one for requests with their answers, which therefore wait
 * neither behind Raft frames nor behind snapshots. Each stream has its own subject, order and credits; which of them share a connection is the
 * adapter's choice.
 */
import { unreachable } from '../base/index.ts'
import type { Lane } from './transport.ts'

export type Channel = 0 | 1 | 2 | 3

export const CONTROL: Channel = 0
export const RAFT: Channel = 1
export const BULK: Channel = 2
export const REQUEST: Channel = 3

export const CHANNELS: readonly Channel[] = [CONTROL, RAFT, BULK, REQUEST]

export type ChannelName = Lane | 'request'

const NAMES: readonly ChannelName[] = ['control', 'raft', 'bulk', 'request']
const LETTERS = ['c', 'r', 'b', 'q'] as const

export function channelName(channel: Channel): ChannelName {
  return NAMES[channel] as ChannelName
}

/** The letter by which the channel goes in subjects. */
export function channelLetter(channel: Channel): string {
  return LETTERS[channel]
}

export function channelOfLane(lane: Lane): Channel {
  switch (lane) {
    case 'control':
      return CONTROL
    case 'raft':
      return RAFT
    case 'bulk':
      return BULK
    default:
      return unreachable(lane)
  }
}
