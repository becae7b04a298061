/** The HTTP face of a store: the only folder that knows HTTP. Stands on a Router; knows nothing of groups, logs or brokers. */
export type { AccessToken, Role } from './access.ts'
export type { DebugPort } from './debug-port.ts'
export { type Gateway, startGateway } from './gateway.ts'
export type { CallQuery, CallView, EventQuery, EventsPort, EventView, RpcLogPort } from './history-port.ts'
export type { GatewayLimits, GatewayMetrics, GatewayOptions, GatewayTls, MetricsPage, Readiness } from './options.ts'
export type { SettingsPlan, SettingsPort, SettingsView } from './settings-port.ts'
