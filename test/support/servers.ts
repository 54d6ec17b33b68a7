/**
 * Servers for tests, private to the run: on free loopback ports, in a temporary folder, ended by their pid when the run ends, also when it
 * fails. One Redis serves all tests that only need one, each in a database of its own; whoever hurts a server starts one for itself.
 * Loaded by `.mocharc.cjs`.
 */
import { mkdtempSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { isProgram, needDebianPackage } from './debian-packages.ts'
import { freePort, RedisProcess } from './redis-process.ts'
import { shared } from './shared-servers.ts'
import { until } from './until.ts'

/** Says at the top of a test file that it needs redis-server; what it returns is called in a `before` hook or a test. */
export function needRedis(): (context: Mocha.Context) => void {
  return needDebianPackage({ name: 'redis-server', isThere: () => isProgram('redis-server') })
}

/** The shared server, for one suite. */
export interface SharedRedis {
  /** The URL of an empty database that no other test uses. Works from the suite's `before` hooks on. */
  freshUrl(): string
  /** For what a test looks at beside the code under test. */
  readonly server: RedisProcess
}

const databases = 4_096
let starting: Promise<RedisProcess> | undefined
let nextDb = 0

/** For one suite: call in the body of a `describe`, at the top of whose file {@link needRedis} was called. */
export function useSharedRedis(needed: (context: Mocha.Context) => void): SharedRedis {
  let server: RedisProcess | undefined
  before(async function () {
    needed(this)
    starting ??= startShared()
    server = await starting
  })
  return {
    get server() {
      if (server === undefined) throw new Error('The shared Redis is there from the before hooks of the suite on.')
      return server
    },
    freshUrl() {
      return this.server.url(nextDb++ % databases)
    },
  }
}

async function startShared(): Promise<RedisProcess> {
  const folder = newFolder('shared-redis')
  shared.files.add(basename(folder))
  const redis = await RedisProcess.start({ folder, config: { databases: String(databases) } })
  shared.pids.add(redis.pid)
  process.once('exit', () => redis.stopNow())
  return redis
}

/** Mocha calls it once, after the last test. */
export async function mochaGlobalTeardown(): Promise<void> {
  const redis = await starting?.catch(() => undefined)
  await redis?.stop()
}

/** Servers of one suite, ended and removed after each test. */
export interface RedisServers {
  start(config?: Readonly<Record<string, string>>): Promise<RedisProcess>
  /** A master, two replicas and three sentinels that call it `masterName` and take it for down after a second. */
  startSentinels(masterName: string): Promise<RedisSentinels>
}

export interface RedisSentinels {
  /** The master first. */
  readonly servers: readonly RedisProcess[]
  readonly sentinels: readonly RedisProcess[]
  /** `sentinel://…;sentinel://…` */
  url(db?: number): string
}

/** For one suite: call in the body of a `describe`. */
export function useRedisServers(needed: (context: Mocha.Context) => void): RedisServers {
  const started: RedisProcess[] = []
  before(function () {
    needed(this)
  })
  afterEach(async () => {
    await Promise.all(started.splice(0).map((redis) => redis.stop()))
  })
  const start = async (options: StartOptions): Promise<RedisProcess> => {
    const redis = await RedisProcess.start({ ...options, folder: options.folder ?? newFolder('redis') })
    started.push(redis)
    return redis
  }
  return {
    start: (config) => start({ config }),
    async startSentinels(masterName) {
      // By itself it waits five seconds for more replicas before it feeds the first.
      const master = await start({ config: { 'repl-diskless-sync-delay': '0' } })
      const replicaof = `127.0.0.1 ${master.port}`
      const replicas = await Promise.all([start({ config: { replicaof } }), start({ config: { replicaof } })])
      // A sentinel asks for replicas when it starts, and then not for ten seconds.
      await until(async () => (await master.run('INFO', 'replication')).split('state=online').length === 3, {
        what: 'two replicas to follow',
      })
      const sentinels = await Promise.all([1, 2, 3].map(() => startSentinel(master, masterName, start)))
      await until(async () => await areReady(sentinels, masterName), { what: 'the sentinels to know each other' })
      return {
        servers: [master, ...replicas],
        sentinels,
        url: (db = 0) => sentinels.map(({ port }) => `sentinel://127.0.0.1:${port}/${db}`).join(';'),
      }
    },
  }
}

interface StartOptions {
  readonly folder?: string
  readonly port?: number
  readonly config?: Readonly<Record<string, string>> | undefined
  readonly sentinelFile?: string
}

async function startSentinel(
  master: RedisProcess,
  masterName: string,
  start: (options: StartOptions) => Promise<RedisProcess>,
): Promise<RedisProcess> {
  const folder = newFolder('sentinel')
  const port = await freePort()
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `logfile ${join(folder, 'log')}`,
    `sentinel monitor ${masterName} 127.0.0.1 ${master.port} 2`,
    `sentinel down-after-milliseconds ${masterName} 1000`,
    `sentinel failover-timeout ${masterName} 3000`,
  ]
  writeFileSync(join(folder, 'sentinel.conf'), `${lines.join('\n')}\n`)
  return await start({ folder, port, sentinelFile: 'sentinel.conf' })
}

async function areReady(sentinels: readonly RedisProcess[], masterName: string): Promise<boolean> {
  const seen = await Promise.all(sentinels.map((sentinel) => sentinel.run('SENTINEL', 'MASTER', masterName)))
  return seen.every((text) => /num-slaves\r\n\$1\r\n2/.test(text) && /num-other-sentinels\r\n\$1\r\n2/.test(text))
}

function newFolder(name: string): string {
  return mkdtempSync(join(realpathSync(tmpdir()), `${name}-`))
}
