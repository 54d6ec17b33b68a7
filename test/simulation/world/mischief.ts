import type { FaultKind } from '../unkind-broker/chaos.ts'
import type { Machine } from './machine.ts'
import type { Process } from './process.ts'
import type { World } from './world.ts'

/** What happens to processes and queues, from time to time, until the world is calm. */
export class Mischief {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  begin(): void {
    const { time, chaos, plan } = this.#world
    const next = (): void => {
      if (chaos.isCalm) return
      this.#happen()
      time.after(wait(), next)
    }
    const wait = (): number => chaos.random.between(plan.mischiefEveryMs / 2, plan.mischiefEveryMs * 1.5)
    time.after(wait(), next)
  }

  #happen(): void {
    const { chaos } = this.#world
    const happenings: readonly (readonly [FaultKind, () => boolean])[] = [
      [
        'process frozen',
        () =>
          this.#trouble(
            'freezes',
            (process) => process.freeze(),
            (process) => process.thaw(),
          ),
      ],
      [
        'network cut',
        () =>
          this.#trouble(
            'is cut off',
            (process) => process.cut(),
            (process) => process.heal(),
          ),
      ],
      ['outage', () => this.#outage()],
      ['worker crashed', () => this.#onMachine((machine) => machine.crash())],
      ['producer crashed', () => chaos.random.chance(0.1) && this.#crashProducer()],
      ['queue paused', () => this.#pauseQueue()],
      ['warm stop', () => this.#onMachine((machine) => machine.stop('warm'))],
      ['cold stop', () => this.#onMachine((machine) => this.#stopCold(machine))],
    ]
    const possible = happenings.filter(([kind]) => chaos.has(kind))
    if (possible.length === 0) return
    const [kind, happen] = chaos.random.pick(possible)
    if (happen()) chaos.count(kind)
  }

  #onMachine(does: (machine: Machine) => void): boolean {
    const { chaos, machines } = this.#world
    const up = machines.filter(({ process, state }) => process !== undefined && state !== 'stopping')
    if (up.length === 0) return false
    does(chaos.random.pick(up))
    return true
  }

  /** At once, or after a warm stop that takes too long. */
  #stopCold(machine: Machine): void {
    const { chaos, time } = this.#world
    if (chaos.random.chance(0.5)) {
      machine.stop('cold')
      return
    }
    const { worker, process } = machine
    machine.stop('warm')
    time.after(chaos.random.between(0, 3_000), () =>
      process?.host.bring(() => {
        if (process.isDead) return
        process.isHurried = true
        void worker?.stop({ how: 'cold' })
      }),
    )
  }

  #trouble(what: string, begin: (process: Process) => void, end: (process: Process) => void): boolean {
    const { chaos, time, plan } = this.#world
    const free = [...this.#world.processes()].filter((process) => !process.isDead && !process.isInTrouble)
    if (free.length === 0) return false
    const process = chaos.random.pick(free)
    const ms = Math.floor(plan.leaseMs * chaos.random.pick([0.3, 1, 1.5, 4]))
    this.#world.note(`${process.name} ${what} for ${ms} ms`)
    begin(process)
    time.after(ms, () => {
      if (!chaos.isCalm) end(process)
    })
    return true
  }

  #crashProducer(): boolean {
    const { chaos, producers } = this.#world
    const alive = producers.filter(({ isDead }) => !isDead)
    // One is left, or there is nothing to see.
    if (alive.length < 2) return false
    const producer = chaos.random.pick(alive)
    this.#world.note(`${producer.name} crashes`)
    producer.kill()
    return true
  }

  #outage(): boolean {
    const { chaos, time } = this.#world
    if (chaos.isOut) return false
    const ms = chaos.random.pick([1_000, 10_000, 60_000])
    this.#world.note(`nothing answers for ${ms} ms`)
    chaos.isOut = true
    time.after(ms, () => {
      chaos.isOut = false
    })
    return true
  }

  #pauseQueue(): boolean {
    const { chaos, plan, store, time } = this.#world
    const queue = chaos.random.pick(plan.queues)
    this.#world.note(`queue ${queue} is paused`)
    store.messages.paused.add(queue)
    time.after(chaos.random.between(1_000, 30_000), () => {
      store.messages.paused.delete(queue)
      store.changed()
    })
    return true
  }
}
