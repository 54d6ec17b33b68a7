import { createHash } from 'node:crypto'
import { OutcomeUnknown } from '../../../lib/base/errors.ts'
import { type Account, Ledger } from '../checks/ledger.ts'
import { Chaos } from '../unkind-broker/chaos.ts'
import { FakeStore } from '../unkind-broker/fake-store.ts'
import { Random } from '../virtual-clock/random.ts'
import { VirtualTime } from '../virtual-clock/virtual-time.ts'
import { type CallSpec, callSpec } from './calls.ts'
import { Machine } from './machine.ts'
import { Mischief } from './mischief.ts'
import { type Plan, planOf } from './plan.ts'
import { Process } from './process.ts'
import { defineTasks, signatureOf } from './tasks.ts'

/** After the faults have stopped everything must have ended within this. */
const drainWithinMs = 3_600_000
/** Longer than the slowest network takes. */
const quietMs = 60_000
const stopWithinMs = 120_000
const epoch = Date.UTC(2030, 0, 1)

export interface WorldOptions {
  /** Gets every line of the trace. */
  readonly trace?: ((line: string) => void) | undefined
}

/** One simulated world: producers and workers of the real code over one fake store, everything decided by the seed. */
export class World {
  readonly plan: Plan
  readonly time = new VirtualTime(epoch)
  readonly chaos: Chaos
  readonly store: FakeStore
  readonly ledger: Ledger
  readonly machines: Machine[]
  readonly producers: Process[]
  readonly isTracing: boolean
  isStopping = false
  isOver = false
  /** Calls of producers that have not settled, by what they are. */
  readonly pending = new Map<string, Process>()
  readonly #random: Random
  readonly #hash = createHash('sha1')
  readonly #traceLine: ((line: string) => void) | undefined

  constructor(seed: string, options: WorldOptions = {}) {
    this.plan = planOf(seed)
    this.#random = new Random(`${seed} calls`)
    this.#traceLine = options.trace
    this.isTracing = options.trace !== undefined
    this.chaos = new Chaos(new Random(`${seed} chaos`), this.plan.faults, this.plan.rate)
    this.ledger = new Ledger(this.plan, this.time.now, (line) => this.note(line))
    const waits = new Random(`${seed} waits`)
    this.store = new FakeStore(this.time.clock, `world-${seed}`, {
      audit: this.ledger,
      promotesLate: this.plan.promotesLate,
      share: () => 0.5 + waits.next() / 2,
    })
    this.machines = Array.from({ length: this.plan.workers }, (_, index) => new Machine(this, `w${index + 1}`))
    this.producers = Array.from(
      { length: this.plan.producers },
      (_, index) => new Process(this, `p${index + 1}`, false),
    )
    for (const producer of this.producers) defineTasks(this, producer)
  }

  /** One line of the trace, and of its hash. */
  note(line: string): void {
    const text = `${this.time.monotonic()} ${line}\n`
    this.#hash.update(text)
    this.#traceLine?.(text)
  }

  /** A line for people alone. */
  comment(line: string): void {
    this.#traceLine?.(`${this.time.monotonic()}   ${line}\n`)
  }

  hash(): string {
    return this.#hash.copy().digest('hex')
  }

  /** Sets everything up; then time has to be stepped on until it is over. */
  begin(): void {
    const { plan, time } = this
    const random = this.#random
    for (const machine of this.machines) time.after(random.between(0, 1_000), () => machine.start())
    for (let i = 1; i <= plan.calls; i++) {
      // In heaps, as in life.
      const at = Math.floor((plan.busyMs * Math.floor(random.next() * 8 + random.next())) / 9)
      const spec = callSpec(`c${i}`, random, plan)
      const producer = random.pick(this.producers)
      time.after(at, () => this.#call(producer, spec))
    }
    new Mischief(this).begin()
    time.after(plan.busyMs, () => this.#calm())
  }

  /** Sends the follow-up that was announced by that id, from within a task. */
  async send(process: Process, id: string, options: { queue: string }): Promise<void> {
    const account = this.ledger.accounts.get(id)!
    try {
      await process.app.sendTask('sim.ok', [], { taskId: id, ...options })
      if (!process.isDead) account.status = 'accepted'
    } catch (error) {
      if (!process.isDead && account.status !== 'accepted') account.status = 'unknown'
      throw error
    }
  }

  crash(process: Process): void {
    this.machines.find((machine) => machine.process === process)?.crash()
  }

  #call(producer: Process, spec: CallSpec): void {
    if (producer.isDead) return
    const account = this.ledger.opened(spec)
    this.note(`${producer.name} calls ${spec.kind} ${spec.id}`)
    const { app } = producer
    const { plan } = this
    const { id, queue, priority, countdownS, expiresS, link, errorLink } = spec
    const options = {
      taskId: id,
      queue,
      priority,
      countdown: countdownS,
      expires: expiresS,
      ignoreResult: spec.ignoresResult,
      link: link === undefined ? undefined : signatureOf(app, spec, link),
      linkError: errorLink === undefined ? undefined : signatureOf(app, spec, errorLink),
    }
    const watches = this.#random.chance(0.4)
    const revokesAfter = this.#random.chance(plan.revokes)
      ? this.#random.between(0, this.#random.pick([200, 3_000, 20_000]))
      : undefined
    const what = `call ${id}`
    this.pending.set(what, producer)
    app.sendTask(`sim.${spec.kind}`, [], options).then(
      (result) => {
        if (producer.isDead) return
        this.pending.delete(what)
        this.ledger.closed(account, 'accepted')
        if (watches && !spec.ignoresResult && spec.kind !== 'ignore' && spec.kind !== 'once')
          this.#awaitResult(producer, account, result)
      },
      (error: unknown) => {
        if (producer.isDead) return
        this.pending.delete(what)
        this.ledger.closed(account, error instanceof OutcomeUnknown ? 'unknown' : 'refused')
      },
    )
    if (revokesAfter !== undefined) this.time.after(revokesAfter, () => this.#revoke(producer, account))
  }

  #awaitResult(
    producer: Process,
    account: Account,
    result: { outcome(options: { timeout: null }): Promise<{ state: string; value?: unknown }> },
  ): void {
    const what = `result of ${account.id}`
    this.pending.set(what, producer)
    result.outcome({ timeout: null }).then(
      ({ state, value }) => {
        if (producer.isDead) return
        this.pending.delete(what)
        this.note(`${producer.name} sees ${account.id} ${state}`)
        if (account.final?.state !== state)
          this.ledger.violated(5, `${account.id} is seen as ${state} and stored as ${account.final?.state}`)
        if (state === 'SUCCESS' && value !== `done ${account.id}`)
          this.ledger.violated('R', `${account.id} has the value ${String(value)}`)
      },
      (error: Error) => {
        if (producer.isDead) return
        this.pending.delete(what)
        this.ledger.violated('P5', `waiting for ${account.id} failed: ${error.message}`)
      },
    )
  }

  #revoke(producer: Process, account: Account): void {
    if (producer.isDead) return
    account.isRevoked = true
    const what = `revoke ${account.id}`
    this.note(`${producer.name} revokes ${account.id}`)
    this.pending.set(what, producer)
    const isOver = (how: string) => (): void => {
      if (producer.isDead) return
      this.note(`${account.id} revoke ${how}`)
      this.pending.delete(what)
    }
    producer.app.revoke(account.id, { terminate: this.#random.chance(0.5) }).then(isOver('done'), isOver('failed'))
  }

  /** No fault happens any more; what was begun must come to its end. */
  #calm(): void {
    this.note('calm')
    this.chaos.isCalm = true
    this.chaos.isOut = false
    const { messages } = this.store
    for (const process of this.processes()) {
      process.thaw()
      process.heal()
    }
    for (const queue of messages.paused) messages.paused.delete(queue)
    this.store.changed()
    for (const machine of this.machines) if (machine.isBehind) machine.redeploy()
    this.#drain(this.time.monotonic() + drainWithinMs)
  }

  /** Waits until everything has ended and nothing has happened for a while. */
  #drain(until: number): void {
    let quietSince = this.time.monotonic()
    const look = (): void => {
      const now = this.time.monotonic()
      const open = [...this.ledger.open()]
      const pending = this.#pendingNow()
      const runs = this.machines.some(({ worker }) => (worker?.running().length ?? 0) > 0)
      if (open.length > 0 || pending.length > 0 || runs) quietSince = now
      if (now < until && now - quietSince < quietMs) {
        this.time.after(500, look)
        return
      }
      if (now >= until)
        for (const what of [...open.map(({ id, spec }) => `${id} (${spec.kind})`), ...pending].slice(0, 5))
          this.ledger.violated('L', `${what} has not ended an hour after the faults did`)
      this.#stop()
    }
    look()
  }

  *processes(): Iterable<Process> {
    for (const { process } of this.machines) if (process !== undefined) yield process
    yield* this.producers
  }

  #pendingNow(): string[] {
    return [...this.pending].filter(([, process]) => !process.isDead).map(([what]) => what)
  }

  #stop(): void {
    this.note('stop')
    this.isStopping = true
    for (const machine of this.machines) machine.stop('warm', true)
    const closing = this.producers.filter(({ isDead }) => !isDead)
    let closed = 0
    for (const producer of closing)
      void producer.app.close().then(() => {
        closed++
        this.ledger.checkNothingLeft(producer)
      })
    const until = this.time.monotonic() + stopWithinMs
    const look = (): void => {
      const isDown = this.machines.every(({ state }) => state === 'down') && closed === closing.length
      if (!isDown && this.time.monotonic() < until) {
        this.time.after(100, look)
        return
      }
      if (!isDown) this.ledger.violated('L', 'not everything stopped within two minutes')
      this.#end()
    }
    look()
  }

  #end(): void {
    const { ledger, store } = this
    ledger.checkEndings()
    for (const { queue, waiting, scheduled, claimed } of store.messages.counts())
      if (waiting + scheduled + claimed > 0)
        ledger.violated('L', `queue ${queue} still holds ${waiting} + ${scheduled} + ${claimed}`)
    if (store.subscriptions.size > 0) ledger.violated(15, `${store.subscriptions.size} subscriptions are left`)
    if (store.lookers.length > 0) ledger.violated(15, `${store.lookers.length} consumers are left`)
    for (const process of this.processes()) process.forgetApp()
    this.isOver = true
  }
}
