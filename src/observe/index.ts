/** What operators see: logs, metrics, and later events, traces and the RPC log. */
export { createLogger, type LogFormat, type LogOptions, logEvents } from './logger.ts'
export { createMetrics, type GroupReading, type MetricsPage, type MetricsReading } from './metrics.ts'
