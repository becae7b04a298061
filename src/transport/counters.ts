/** What a transport counts about itself; `TransportStats` is made of it. */
export class Counters {
  framesSent = 0
  framesReceived = 0
  bytesSent = 0
  bytesReceived = 0
  itemsDropped = 0
  repliesDropped = 0
  repliesLate = 0
  reconnects = 0
  malformedFrames = 0
  staleFrames = 0
  creditStalls = 0
}
