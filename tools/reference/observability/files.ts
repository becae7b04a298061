/**
 * The files of `tools/deploy/observability`: dashboards and alert rules, and what Prometheus, Grafana and Jaeger need to run beside a cluster on one machine.
 * All of them are made, so that none can name a metric that does not exist.
 */
import { stringify } from 'yaml'
import { ALERTS } from './alerts.ts'
import { DASHBOARDS } from './dashboards.ts'
import { DATASOURCE_UID, grafanaDocument } from './grafana.ts'

const FOLDER = 'tools/deploy/observability'
const MADE = 'Made by `npm run reference` from the catalogue of metrics. Do not edit.'
/** Where `flotilla demo` has its gateways. */
const STORES = ['127.0.0.1:8080', '127.0.0.1:8081', '127.0.0.1:8082']

/** Path in the repository, to the text that belongs there. */
export function observabilityFiles(): [string, string][] {
  return [
    ...DASHBOARDS.map((dashboard): [string, string] => [
      `${FOLDER}/grafana/dashboards/${dashboard.uid}.json`,
      `${JSON.stringify(grafanaDocument(dashboard), null, 2)}\n`,
    ]),
    yamlFile('alerts.yaml', MADE, { groups: [{ name: 'flotilla', rules: ALERTS.map(ruleOf) }] }),
    yamlFile('prometheus.yaml', `${MADE} Other stores than those of the demo: list them under targets.`, {
      global: { scrape_interval: '5s', evaluation_interval: '15s' },
      rule_files: ['alerts.yaml'],
      scrape_configs: [{ job_name: 'flotilla', static_configs: [{ targets: STORES }] }],
    }),
    yamlFile('grafana/provisioning/datasources/flotilla.yaml', MADE, {
      apiVersion: 1,
      datasources: [
        {
          name: 'Prometheus',
          uid: DATASOURCE_UID,
          type: 'prometheus',
          access: 'proxy',
          url: 'http://127.0.0.1:9090',
          isDefault: true,
        },
        { name: 'Jaeger', uid: 'flotilla-jaeger', type: 'jaeger', access: 'proxy', url: 'http://127.0.0.1:16686' },
      ],
    }),
    yamlFile('grafana/provisioning/dashboards/flotilla.yaml', MADE, {
      apiVersion: 1,
      providers: [
        { name: 'flotilla', folder: 'Flotilla', type: 'file', options: { path: '/etc/grafana/flotilla-dashboards' } },
      ],
    }),
    yamlFile('compose.yaml', `${COMPOSE_TEXT}\n\n${MADE}`, composeDocument()),
  ]
}

const COMPOSE_TEXT = `Prometheus, Grafana and Jaeger beside a cluster on this machine:

  docker compose -f ${FOLDER}/compose.yaml up
  FLOTILLA_OBSERVABILITY__TRACING__OTLP=http://127.0.0.1:4318 npm start

Grafana is at http://127.0.0.1:3000, Prometheus at http://127.0.0.1:9090, Jaeger at http://127.0.0.1:16686. They share the network of the machine, because
stores listen on its loopback address unless they are told otherwise, and so do these.`

function composeDocument(): unknown {
  const service = { network_mode: 'host', restart: 'unless-stopped' }
  return {
    name: 'flotilla-observability',
    services: {
      prometheus: {
        ...service,
        image: 'prom/prometheus:v2.55.1',
        command: ['--config.file=/etc/prometheus/prometheus.yaml', '--web.listen-address=127.0.0.1:9090'],
        volumes: [
          './prometheus.yaml:/etc/prometheus/prometheus.yaml:ro',
          './alerts.yaml:/etc/prometheus/alerts.yaml:ro',
        ],
      },
      grafana: {
        ...service,
        image: 'grafana/grafana:11.3.1',
        environment: {
          GF_SERVER_HTTP_ADDR: '127.0.0.1',
          GF_AUTH_ANONYMOUS_ENABLED: 'true',
          GF_AUTH_ANONYMOUS_ORG_ROLE: 'Admin',
          GF_AUTH_DISABLE_LOGIN_FORM: 'true',
          GF_ANALYTICS_REPORTING_ENABLED: 'false',
        },
        volumes: [
          './grafana/provisioning:/etc/grafana/provisioning:ro',
          './grafana/dashboards:/etc/grafana/flotilla-dashboards:ro',
        ],
      },
      jaeger: {
        ...service,
        image: 'jaegertracing/all-in-one:1.62.0',
        command: [
          '--collector.otlp.http.host-port=127.0.0.1:4318',
          '--collector.otlp.grpc.host-port=127.0.0.1:4317',
          '--query.http-server.host-port=127.0.0.1:16686',
        ],
      },
    },
  }
}

function ruleOf(alert: (typeof ALERTS)[number]): unknown {
  const { name, expr, severity, summary, action } = alert
  return { alert: name, expr, for: alert.for, labels: { severity }, annotations: { summary, action } }
}

function yamlFile(name: string, comment: string, document: unknown): [string, string] {
  const lines = comment.split('\n').map((line) => (line === '' ? '#' : `# ${line}`))
  return [`${FOLDER}/${name}`, `${lines.join('\n')}\n${stringify(document, { lineWidth: 0 })}`]
}
