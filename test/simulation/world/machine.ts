import { Worker } from '../../../workers/worker.ts'
import { Process } from './process.ts'
import { defineTasks } from './tasks.ts'
import type { World } from './world.ts'

const hopelessAfterMs = 1_600

/** A place where a worker runs, with a supervisor that starts another one when it has ended, however it did. */
export class Machine {
  readonly name: string
  process: Process | undefined
  worker: Worker | undefined
  state: 'down' | 'starting' | 'running' | 'stopping' = 'down'
  readonly #world: World
  #generation = 0

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
  }

  start(): void {
    const { plan } = this.#world
    const process = new Process(this.#world, `${this.name}.${++this.#generation}`, true)
    this.process = process
    this.state = 'starting'
    defineTasks(this.#world, process)
    const { concurrency, prefetchMultiplier } = plan
    const worker = new Worker(process.app, {
      hostname: `${process.name}@sim`,
      concurrency,
      ...(prefetchMultiplier > 0 && { prefetchMultiplier }),
    })
    this.worker = worker
    process.running = () => worker.running().length
    this.#world.note(`${process.name} starts`)
    worker.start().then(
      () => {
        if (this.process !== process || process.isDead || this.state !== 'starting') return
        this.state = 'running'
        this.#world.note(`${process.name} runs`)
      },
      (error: Error) => {
        if (this.process !== process || process.isDead || this.state !== 'starting') return
        this.#world.note(`${process.name} could not start: ${error.name}`)
        this.state = 'stopping'
        void this.#end(process, worker, 'failed')
      },
    )
  }

  /** @param isLast no other is to be started */
  stop(how: 'warm' | 'cold', isLast = false): void {
    const { process, worker } = this
    if (process === undefined || worker === undefined || this.state === 'stopping') return
    this.state = 'stopping'
    this.#world.note(`${process.name} is stopped ${how}`)
    process.isStopping = true
    void this.#end(process, worker, how, isLast)
  }

  /** It does not know the task that was deployed later. */
  get isBehind(): boolean {
    const { process } = this
    return process !== undefined && process.startedAt < this.#world.plan.deployAtMs
  }

  /** So that it is up, and knows every task. */
  redeploy(): void {
    if (this.state === 'running') this.stop('warm')
    else if (this.state === 'starting') this.crash()
  }

  crash(): void {
    const { process } = this
    if (process === undefined || process.isDead) return
    this.#world.note(`${process.name} crashes`)
    process.kill()
    this.#world.ledger.gone(process)
    this.#restart()
  }

  async #end(process: Process, worker: Worker, how: 'warm' | 'cold' | 'failed', isLast = false): Promise<void> {
    const { ledger, chaos, time } = this.#world
    let isHopeless = false
    if (how !== 'failed') {
      const timeout = how === 'warm' && !chaos.isCalm && chaos.random.chance(0.3) ? ('5s' as const) : undefined
      const from = time.monotonic()
      await worker.stop({ how, timeout })
      // A cold stop waits for no store for longer than this.
      const isCold = how === 'cold' || timeout !== undefined || process.isHurried
      isHopeless = isCold && time.monotonic() - from >= hopelessAfterMs
      ledger.checkStopped(process, how === 'warm' && timeout === undefined && !process.isHurried)
    }
    await process.app.close()
    if (process.isDead) return
    if (!isHopeless) ledger.checkNothingLeft(process)
    this.#world.note(`${process.name} has ended`)
    ledger.gone(process)
    process.kill()
    if (isLast) this.state = 'down'
    else this.#restart()
  }

  #restart(): void {
    this.state = 'down'
    this.process = undefined
    const { time, chaos } = this.#world
    time.after(chaos.random.between(100, 5_000), () => {
      if (this.state === 'down' && !this.#world.isStopping) this.start()
    })
  }
}
