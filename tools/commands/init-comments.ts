/** What `flotilla init` writes between the settings of a new configuration file. */

export const HEADING = `The configuration of one store, written by \`flotilla init\`. After changing it: flotilla config validate FILE
Any setting can also come from the environment (FLOTILLA_GATEWAY__LISTEN) or a flag (start --set gateway.listen=...), which beat this file.
What is not here has its default: flotilla config show --effective -c FILE`

/** By setting and section; those that the file does not have are left out. */
export const COMMENTS: Readonly<Record<string, string>> = {
  cluster: 'The same in the files of all stores, and fixed once the cluster is founded.',
  'cluster.id': 'Clusters on the same NATS servers need different ones.',
  'cluster.bootstrap.stores':
    'The stores that found the cluster together; it begins once a majority of them runs. Those that join later have the same list and are not in it.',
  'cluster.bootstrap.replicas': 'Copies of every key. Three survive the loss of one store, five that of two.',
  'cluster.bootstrap.shards': 'How many to begin with; they are split and merged as the data and the load demand.',
  store: 'Different for every store.',
  'store.id': 'Never give the id of a store whose data is lost to a new one.',
  'store.dir': 'A relative path begins where the program is started.',
  'store.labels': 'Copies of one key are kept apart by them, such as { host: a, zone: z1 }.',
  transport: 'How the stores reach one another. Any NATS server will do: nats-server, or a cluster of them.',
  'transport.servers':
    'All stores name the same. With credentials: user and password, token, nkey or creds; tls for encryption.',
  'transport.embedded':
    'auto: where the first server is on this machine and nothing listens there, this process is the NATS server.\ntrue: it is in any case. false: never; for production.',
  storage: 'What the disk holds.',
  raft: 'How each group agrees. The same in the files of all stores.',
  placement: 'When shards are split, merged and moved. May change while the cluster runs: flotilla config set.',
  gateway: 'Where clients go: HTTP, the command line, the console in a browser.',
  'gateway.listen': 'The address is also how the other stores tell clients of this one.',
  'gateway.tokens': 'Only the hashes of tokens; `flotilla token new` makes both. Roles: read, write, admin.',
  'gateway.cors.origins': 'Web pages that may call this gateway, such as https://shop.example.',
  'gateway.allowAnonymous': 'Everybody who reaches the gateway may read and write everything.',
  observability: 'What a store tells of itself. May change while the cluster runs: flotilla config set.',
}
