/**
 * The commands of the benchmark and their options, for completion and for `flotilla help bench`. The benchmark itself reads its words and explains them; a
 * test holds this list to what it takes.
 */
interface BenchCommand {
  readonly name: string
  readonly description: string
  readonly options: readonly (readonly [flags: string, description: string])[]
}

const OF_SERVERS: BenchCommand['options'] = [
  ['-k, --keys <n>', 'number of keys'],
  ['-s, --value-bytes <n>', 'size of a value'],
  ['--dir <path>', 'where the data goes while it runs'],
  ['--json <file>', 'also write everything as JSON'],
  ['--enforce', 'exit 1 when what is demanded is missed'],
]

export const BENCH_COMMANDS: readonly BenchCommand[] = [
  {
    name: 'run',
    description: 'load a cluster that is already running',
    options: [
      ['-t, --target <name>', 'what to load'],
      ['-e, --endpoints <list>', 'where it is'],
      ['-w, --workload <name>', 'put, get or mix'],
      ['--read-ratio <share>', 'share of gets in a mix'],
      ['-c, --connections <n>', 'operations in flight'],
      ['-r, --rate <n>', 'operations per second of an open loop'],
      ['-d, --duration <time>', 'length of the measured window'],
      ['--warm-up <time>', 'load before the measured window'],
      ['-s, --value-bytes <n>', 'size of a value'],
      ['-k, --keys <n>', 'number of keys'],
      ['--distribution <name>', 'which keys'],
      ['--key-prefix <text>', 'what all keys contain'],
      ['--key-layout <name>', 'spread or prefix'],
      ['--seed <n>', 'chooses the sequence of keys'],
      ['--timeout <time>', 'an operation unanswered for this long is an error'],
      ['--token <token>', 'bearer token'],
      ['--leaders', 'send every operation to the store that leads its key'],
      ['--no-preload', 'do not write all keys before a load that reads'],
      ['--json <file>', 'also write everything as JSON'],
    ],
  },
  {
    name: 'compare',
    description: 'start Flotilla, etcd and JetStream one after the other on this machine and print ratios',
    options: [
      ['--rounds <n>', 'how often each system runs'],
      ['-d, --duration <time>', 'measured window of each workload'],
      ['--warm-up <time>', 'load before each window'],
      ['--run-in <time>', 'mixed load after the start of every system, before the first window'],
      ['--systems <list>', 'which of them'],
      ['--workloads <list>', 'which of them'],
      ...OF_SERVERS,
    ],
  },
  {
    name: 'overload',
    description: 'start a cluster on this machine, find its peak, and ask for several times that',
    options: [
      ['--factor <n>', 'how many times the peak is asked for'],
      ['-d, --duration <time>', 'length of the overload'],
      ['--peak-connections <n>', 'connections while the peak is measured'],
      ['-c, --connections <n>', 'connections of the overload'],
      ['--read-ratio <share>', 'share of gets'],
      ...OF_SERVERS,
    ],
  },
]
