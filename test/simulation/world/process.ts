import type { AdapterOpeners } from '../../../lib/app/connections.ts'
import { silentLogger } from '../../../lib/base/logger.ts'
import { Umbel } from '../../../lib/index.ts'
import { ambient } from '../../../lib/task/current-app.ts'
import type { WatchedBroker } from '../checks/watched-broker.ts'
import { FakeResults } from '../unkind-broker/fake-results.ts'
import { fakeState } from '../unkind-broker/fake-state.ts'
import { Link, type Network } from '../unkind-broker/link.ts'
import type { Host } from '../virtual-clock/virtual-time.ts'
import { openWatchedBroker } from './open-broker.ts'
import type { World } from './world.ts'

/** A process of the simulated world: an app with connections, timers and links of its own, that can freeze, be cut off, and die. */
export class Process {
  readonly name: string
  readonly isWorker: boolean
  readonly host: Host
  readonly app: Umbel
  readonly startedAt: number
  /** Ids that it knows to be revoked. */
  readonly revoked = new Set<string>()
  broker: WatchedBroker | undefined
  results: FakeResults | undefined
  /** A warm or cold stop was asked for. */
  isStopping = false
  /** The warm stop became a cold one. */
  isHurried = false
  /** It is frozen or cut off, for a time. */
  isInTrouble = false
  /** How many tasks run in it. */
  running: () => number = () => 0
  readonly #world: World
  readonly #links: Link[] = []

  constructor(world: World, name: string, isWorker: boolean) {
    const { plan, time } = world
    this.#world = world
    this.name = name
    this.isWorker = isWorker
    this.startedAt = time.monotonic()
    this.host = time.host((ms) => world.ledger.violated(14, `${name} armed a timer of ${ms} ms`))
    this.app = new Umbel(
      name,
      {
        broker: 'memory://simulated',
        backend: 'memory://simulated',
        acceptContent: ['json'],
        logger: world.isTracing ? tracing(world, name) : silentLogger,
        taskQueues: [...plan.queues],
        leaseDuration: `${plan.leaseMs / 1000}s`,
        maxDeliveries: plan.maxDeliveries,
        unknownTaskLimit: `${plan.unknownTaskLimitMs / 1000}s`,
        workerSoftShutdownTimeout: plan.softShutdownMs / 1000,
        taskTrackStarted: plan.tracksStarted,
      },
      { clock: this.host.clock, env: {}, open: this.#openers() },
    )
  }

  get isDead(): boolean {
    return this.host.isDead
  }

  /** As by SIGKILL: nothing of it has any effect any more; its claims come back when the store notices. */
  kill(): void {
    if (this.isDead) return
    this.host.kill()
    const { random } = this.#world.chaos
    this.broker?.silent(() => random.next())
    this.broker?.forgotten()
    for (const stop of this.results?.watches ?? []) stop()
    this.forgetApp()
  }

  forgetApp(): void {
    const { apps } = ambient()
    const index = apps.indexOf(this.app)
    if (index !== -1) apps.splice(index, 1)
  }

  freeze(): void {
    this.isInTrouble = true
    this.host.freeze()
    this.#silent()
  }

  thaw(): void {
    this.isInTrouble = false
    if (this.isDead) return
    this.host.thaw()
    this.broker?.heard()
  }

  cut(): void {
    this.isInTrouble = true
    for (const link of this.#links) link.cut()
    this.#silent()
  }

  heal(): void {
    this.isInTrouble = false
    for (const link of this.#links) link.heal()
    if (!this.isDead) this.broker?.heard()
  }

  /** What a task's function waits for: world time, but only while the process lives and is awake. */
  work(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#world.time.after(ms, () => this.host.bring(resolve)))
  }

  #silent(): void {
    const { random } = this.#world.chaos
    this.broker?.silent(() => 0.7 + 0.3 * random.next())
  }

  #openers(): AdapterOpeners {
    const world = this.#world
    const { store, time, chaos, plan, ledger } = world
    const network: Network = { time, chaos, host: this.host, deadlineMs: plan.publishTimeoutMs }
    const link = (): Link => {
      const made = new Link(store, network)
      this.#links.push(made)
      return made
    }
    return {
      broker: async () => {
        this.broker = openWatchedBroker(world, this, network)
        this.#links.push(this.broker.link)
        return this.broker
      },
      resultBackend: async () => {
        const name = plan.isOneStore ? store.name : `${store.name}-results`
        this.results = new FakeResults(link(), name, { process: this, via: 'keep' })
        return this.results
      },
      stateStore: async () => fakeState(link(), (members) => ledger.heardOfRevoked(this, members)),
    }
  }
}

function tracing(world: World, name: string): typeof silentLogger {
  const say = (level: string) => (fields: object, message?: string) => {
    const { err } = fields as { err?: unknown }
    const why = err instanceof Error ? ` (${err.message})` : ''
    world.comment(`${name} ${level}: ${message ?? ''}${why}`)
  }
  const logger: typeof silentLogger = {
    ...silentLogger,
    warn: say('warns'),
    error: say('errs'),
    info: say('says'),
    child: () => logger,
    isLevelEnabled: () => true,
  }
  return logger
}
