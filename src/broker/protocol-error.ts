/**
 * What the broker says after `-ERR`. The texts are those of nats-server, because clients match on them. This file decides nothing: the
 * connection knows which of them end it.
 */
export const PROTOCOL_ERROR = {
  unknownOperation: 'Unknown Protocol Operation',
  authorizationViolation: 'Authorization Violation',
  authenticationTimeout: 'Authentication Timeout',
  controlLineExceeded: 'maximum control line exceeded',
  payloadExceeded: 'Maximum Payload Violation',
  connectionsExceeded: 'maximum connections exceeded',
  subscriptionsExceeded: 'maximum subscriptions exceeded',
  invalidSubject: 'Invalid Subject',
  invalidPublishSubject: 'Invalid Publish Subject',
  invalidClientProtocol: 'invalid client protocol',
  headersNotSupported: 'message headers not supported',
  noRespondersNeedsHeaders: 'no responders requires headers support',
  slowConsumer: 'Slow Consumer',
  staleConnection: 'Stale Connection',
} as const

export type ProtocolErrorText = (typeof PROTOCOL_ERROR)[keyof typeof PROTOCOL_ERROR]
