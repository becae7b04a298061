/** What operators see: logs, events and their history, metrics. */
export { EventBus, type EventBusOptions, type EventBusStats } from './events/bus.ts'
export type { Event, EventFilter, EventOutput, EventSubscription } from './events/event.ts'
export { type FileOutputOptions, fileOutput } from './events/file-output.ts'
export { passes } from './events/filter.ts'
export { EventHistory } from './events/history.ts'
export { callbackOutput, consoleOutput, jsonOutput } from './events/outputs.ts'
export { createLogger, type LogFormat, type LogOptions } from './logger.ts'
export { createMetrics, type GroupReading, type MetricsPage, type MetricsReading } from './metrics.ts'
