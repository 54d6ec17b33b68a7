import type { Delivery, Settlement } from '../../lib/broker/broker.ts'
import { checkDeliveries } from './check-deliveries.ts'
import { checkRecords, checkShown } from './check-shown.ts'
import { compare, Violation } from './compare.ts'
import { awake, Crew, hanging, holding } from './crew.ts'
import type { Library } from './library.ts'
import { idOf, outgoing, settlementOf } from './messages.ts'
import { type Held, leaseMs, type ModelWorker } from './model-worker.ts'
import { Revokes } from './revokes.ts'
import type { MessageSpec, SettleSpec, Step } from './steps.ts'
import { documentOf, type Entry, type Incoming, StoreModel } from './store-model.ts'
import type { StoreProcess, StoreTraits, StoreUnderModel } from './store-under-model.ts'

/** So low that sequences get there. */
export const maxDeliveries = 1

/** How often each kind of thing happened, by name. */
export class Tally {
  readonly counts = new Map<string, number>()
  add(what: string, count = 1): void {
    if (count > 0) this.counts.set(what, (this.counts.get(what) ?? 0) + count)
  }
}

export interface ModelRunParts {
  readonly library: Library
  readonly store: StoreUnderModel
  readonly traits: StoreTraits
  readonly tally: Tally
}

/** One sequence of steps done to a store and to the model at once, compared after each. */
export class ModelRun {
  readonly model = new StoreModel()
  readonly tally: Tally
  steps = 0
  readonly #library: Library
  readonly #store: StoreUnderModel
  readonly #traits: StoreTraits
  readonly #crew: Crew
  readonly #revokes = new Revokes()
  #names = 0
  #ids: string[] = []
  #documents = 0

  private constructor({ library, store, traits, tally }: ModelRunParts) {
    this.#library = library
    this.#store = store
    this.#traits = traits
    this.#crew = new Crew(store, traits)
    this.tally = tally
  }

  static async start(parts: ModelRunParts): Promise<ModelRun> {
    const run = new ModelRun(parts)
    await run.#crew.start()
    return run
  }

  /** False for a step that means nothing now. */
  canDo(step: Step): boolean {
    if (step.do === 'settle') return this.#settler(step.worker) !== undefined
    if (step.do === 'settle-together') return this.#settler(0) !== undefined
    if (step.do === 'wake') return this.#crew.find(step.worker, hanging) !== undefined
    if (step.do === 'claim' || step.do === 'hang') return this.#crew.find(step.worker, awake) !== undefined
    if (step.do === 'report' || step.do === 'revoke') return this.#ids.length > 0
    return true
  }

  /** @throws {Violation} or what the store throws and should not */
  async do(step: Step): Promise<void> {
    this.steps++
    this.tally.add(step.do)
    await this.#act(step)
    await this.#compare()
  }

  async #act(step: Step): Promise<void> {
    switch (step.do) {
      case 'declare':
        return this.#declare()
      case 'publish':
        return this.#publish(this.#crew.process(step.process), [step.messages])
      case 'publish-together':
        return this.#publish(this.#crew.process(step.process), step.calls)
      case 'claim':
        return this.#claim([this.#crew.find(step.worker, awake)!], step.count)
      case 'claim-together':
        return this.#claim(this.#crew.workers.filter(awake), step.count)
      case 'settle':
        return this.#claimAndSettle(step)
      case 'settle-together':
        return this.#settleTogether(step.settlements)
      case 'settle-stale':
        return this.#settleStale(step)
      case 'report':
        return this.#report(this.#ids[step.which % this.#ids.length]!, step.state)
      case 'renew':
        return this.#crew.renew(this.#crew.find(step.worker, hanging) ?? this.#crew.workers[0]!)
      case 'hang':
        return this.#crew.hang(this.#crew.find(step.worker, awake)!)
      case 'wake':
        return this.#crew.wake(this.#crew.find(step.worker, hanging)!)
      case 'lapse': {
        const worker = this.#crew.workers[step.worker % this.#crew.workers.length]!
        if (!worker.isHung) this.#crew.hang(worker)
        await this.#advance(leaseMs + this.#traits.lapseSeenWithinMs + 1)
        return this.#crew.wake(worker)
      }
      case 'crash':
      case 'reopen':
        this.#revokes.joined(await this.#crew.replace(step.process % this.#crew.processes.length, step.do))
        return
      case 'advance':
        return this.#advance(step.ms)
      case 'set-clock':
        return this.#setClock(step.ms)
      case 'look':
        return checkShown(this.model, this.#crew.first.broker, this.#store.clock.now())
      case 'pause':
        return this.#setPaused(queueName(step.queue), true)
      case 'resume':
        return this.#setPaused(
          [...this.model.paused][step.queue % this.model.paused.size] ?? queueName(step.queue),
          false,
        )
      case 'purge':
        return this.#purge(queueName(step.queue))
      case 'replay':
      case 'drop':
        return this.#dead(step.do, step.which)
      case 'revoke':
        return this.#revoke(this.#ids[step.which % this.#ids.length]!, this.#crew.process(step.process))
    }
  }

  /** Faults are over: everything that was accepted reaches its end in a few rounds. */
  async drain(): Promise<void> {
    this.model.paused.clear()
    for (const queue of ['q0', 'q1', 'q2']) await this.#crew.first.broker.admin.resume(queue)
    for (const worker of this.#crew.workers) if (worker.isHung) this.#crew.wake(worker)
    // Everything is due then.
    this.#setClock(60 * 86_400_000)
    await this.#advance(leaseMs + 2_000)
    await this.#compare()
    for (let round = 0; round < 30 && this.model.alive().length > 0; round++) {
      await this.#claim(this.#crew.workers, 1_000)
      await this.#compare()
      for (const worker of this.#crew.workers) {
        const all = worker.held.map((_, which): SettleSpec => ({ which, how: 'done', follow: [] }))
        if (all.length > 0) await this.#settle(worker, all, false)
        await this.#compare()
      }
    }
    const [left] = this.model.alive()
    if (left !== undefined) throw new Violation(1, `${left.key} never comes to its end; it is ${left.place}`)
    await checkShown(this.model, this.#crew.first.broker, this.#store.clock.now())
  }

  async #declare(): Promise<void> {
    const common = { durable: true, arguments: {} }
    const fan = { exchange: { name: 'fan', type: 'fanout' as const }, routingKeys: [], ...common }
    await this.#crew.first.broker.declare([
      { name: 'q0', ...fan },
      { name: 'q1', ...fan },
      { name: 'q2', exchange: { name: 'topic', type: 'topic' }, routingKeys: ['a.*.#'], ...common },
    ])
    this.model.isDeclared = true
  }

  /** Calls in one turn of the event loop; each of them is stored or refused as a whole. */
  async #publish(process: StoreProcess, calls: readonly (readonly MessageSpec[])[]): Promise<void> {
    const now = this.#store.clock.now()
    const incoming = calls.map((specs) => this.#incoming(specs))
    const replies = await Promise.allSettled(
      incoming.map((messages) => process.broker.publish(messages.map((message) => outgoing(message, now)))),
    )
    for (const [index, messages] of incoming.entries()) {
      const isRoutable = this.model.areRoutable(calls[index]!)
      const reply = replies[index]!
      if (isRoutable && reply.status === 'rejected') throw reply.reason
      if (!isRoutable) this.#refused(reply)
      else this.#accept(messages, now)
    }
  }

  #refused(reply: PromiseSettledResult<unknown>): void {
    const code = reply.status === 'rejected' ? (reply.reason as { code?: unknown }).code : 'nothing'
    if (code !== 'UMBEL_UNROUTABLE') throw new Violation(1, `what leads nowhere was refused with ${String(code)}`)
    this.tally.add('refused')
  }

  #incoming(specs: readonly MessageSpec[]): Incoming[] {
    return specs.map((spec) => ({ id: `m${++this.#names}`, spec }))
  }

  #accept(messages: readonly Incoming[], now: number): void {
    this.model.accept(messages, now)
    this.#ids.push(...messages.map(({ id }) => id))
  }

  /** Workers claim what they can within `count`, all at once, and turn away what they must not run. */
  async #claim(workers: readonly ModelWorker[], count: number): Promise<void> {
    for (const worker of workers) worker.allow(count)
    await this.#crew.quiet()
    await this.#handOver(workers.map((worker) => ({ worker, room: count })))
  }

  async #handOver(claims: readonly { readonly worker: ModelWorker; readonly room: number }[]): Promise<void> {
    for (const { worker } of claims) worker.consumer.setPrefetch(0)
    const given = claims.map(({ worker, room }) => ({ worker, room, deliveries: worker.take() }))
    for (const { worker, deliveries } of given) {
      // A claim shows that it lives: then at least half of its lease is left.
      if (deliveries.length > 0) this.#crew.leased(worker, leaseMs / 2)
      for (const { claim, message } of deliveries)
        worker.held.push({ key: `${String(message.headers['id'])}@${claim.queue}`, claim })
    }
    checkDeliveries(this.model, given, {
      now: this.#store.clock.now(),
      yieldMs: this.#traits.yieldMs,
      isYielding: ({ gaveBackAt }) => this.#crew.machineNow - gaveBackAt < 60_000,
    })
    for (const { worker, deliveries } of given) for (const delivery of deliveries) await this.#admit(worker, delivery)
  }

  /** What the worker does before it runs anything, by the library's own rule, which must be the one that the model knows. */
  async #admit(worker: ModelWorker, delivery: Delivery): Promise<void> {
    const { claim, message, losses, returns, firstReturnedAt } = delivery
    const entry = this.model.entries.get(`${String(message.headers['id'])}@${claim.queue}`)!
    const now = this.#store.clock.now()
    const admission = this.#library.admit(
      {
        now,
        isRevoked: worker.process.revoked.has(entry.id),
        isKnown: true,
        task: 'model.task',
        eta: undefined,
        expires: entry.expires,
        acknowledge: 'late',
        losses,
        returns,
        firstReturnedAt,
      },
      { maxDeliveries, unknownTaskLimitMs: 60_000 },
    )
    const verdict = admission.kind === 'dead' || admission.kind === 'revoked' ? admission.reason : admission.kind
    const expected = this.#verdicts(entry, worker.process, now)
    if (!expected.includes(verdict))
      throw new Violation(verdict === 'run' ? 6 : 11, `${entry.key} is to ${verdict}, not to ${expected.join(' or ')}`)
    this.tally.add(entry.history === undefined ? 'delivered first' : 'delivered again')
    if (verdict === 'run') return
    this.tally.add(verdict)
    const state = verdict === 'max-deliveries' ? 'FAILURE' : 'REVOKED'
    const record = documentOf(entry.id, state, ++this.#documents)
    const [reply] = await worker.process.broker.settle([
      {
        claim,
        ...(admission.kind === 'dead'
          ? { disposition: 'dead-letter', reason: admission.reason, detail: admission.detail }
          : { disposition: 'done' }),
        record: { id: entry.id, contentType: 'application/json', ...record },
      },
    ])
    if (reply !== 'settled') throw new Violation(4, `${entry.key} is claimed, and its settlement is lost`)
    worker.remove(claim.token)
    this.#crew.stale.push({ key: entry.key, claim })
    if (admission.kind === 'dead') this.model.died(entry, 'max-deliveries')
    else this.model.finished(entry)
    this.model.keep(entry.id, record)
  }

  /** What a worker of the process may do with a message; one alone, but while the news of a revoke travels. */
  #verdicts(entry: Entry, process: StoreProcess, now: number): readonly string[] {
    const { losses } = entry.history ?? { losses: 0 }
    const rest =
      entry.expires !== undefined && now > entry.expires ? 'expired' : losses > maxDeliveries ? 'max-deliveries' : 'run'
    const news = this.#revokes.newsOf(entry.id, { process, now, machineNow: this.#crew.machineNow })
    return news === 'none' ? [rest] : news === 'known' ? ['revoked'] : ['revoked', rest]
  }

  /** Who settles: rather one that holds something than one that has to claim it first. */
  #settler(from: number): ModelWorker | undefined {
    return this.#crew.find(from, holding) ?? this.#crew.find(from, awake)
  }

  async #claimAndSettle({ worker: from, settlements, refill }: Extract<Step, { do: 'settle' }>): Promise<void> {
    const worker = this.#settler(from)!
    if (!holding(worker)) await this.#claim([worker], settlements.length)
    if (holding(worker)) await this.#settle(worker, settlements, refill)
  }

  async #settle(worker: ModelWorker, specs: readonly SettleSpec[], refill: boolean): Promise<void> {
    const prepared = this.#prepare(worker, specs)
    const claimsAnew = refill && !worker.isHung
    if (claimsAnew) worker.allow(0)
    const before = worker.held.length
    const [reply] = await Promise.allSettled([worker.process.broker.settle(prepared.batch)])
    await this.#crew.quiet()
    const isSettled = this.#conclude(prepared, reply!)
    await this.#handOver([{ worker, room: claimsAnew && isSettled ? before - worker.held.length : 0 }])
  }

  /** Everybody who holds something settles in the same turn of the event loop: one refusal must not be another's. */
  async #settleTogether(specs: readonly SettleSpec[]): Promise<void> {
    if (!this.#crew.workers.some(holding)) await this.#claim(this.#crew.workers.filter(awake), specs.length)
    const start = this.model.events
    const all = this.#crew.workers.filter(holding).map((worker) => this.#prepare(worker, specs))
    const replies = await Promise.allSettled(all.map(({ worker, batch }) => worker.process.broker.settle(batch)))
    await this.#crew.quiet()
    for (const [index, prepared] of all.entries()) this.#conclude(prepared, replies[index]!)
    // Processes are not waiting for each other, and who was refused with others tries again alone.
    this.model.anyOrderSince(start)
    await this.#handOver(all.map(({ worker }) => ({ worker, room: 0 })))
  }

  #prepare(worker: ModelWorker, specs: readonly SettleSpec[]): Prepared {
    const now = this.#store.clock.now()
    const items = specs.map((spec) => ({ spec, held: worker.held[spec.which % worker.held.length]! }))
    const follow = specs.map((spec) => this.#incoming(spec.follow))
    const records = items.map(({ spec, held }) =>
      // Copies of one message have one record: written by several at once, it could be anybody's.
      spec.record === undefined || this.#copies(idOf(held)) > 1
        ? undefined
        : documentOf(idOf(held), spec.record, ++this.#documents),
    )
    const batch = items.map(({ spec, held }, index) =>
      settlementOf({ spec, held, now, follow: follow[index]!, record: records[index] }),
    )
    return { worker, items, follow, records, batch, now }
  }

  #copies(id: string): number {
    return ['q0', 'q1', 'q2'].filter((queue) => this.model.entries.has(`${id}@${queue}`)).length
  }

  /** False when it was refused, and rightly. */
  #conclude(prepared: Prepared, reply: PromiseSettledResult<string[]>): boolean {
    const { worker, items } = prepared
    const isRoutable = items.every(({ spec }) => this.model.areRoutable(spec.follow))
    // Where only what is lost leads nowhere, a store may find either out first.
    if (!isRoutable && (reply.status === 'rejected' || this.#isRefused(items))) {
      this.#refused(reply)
      return false
    }
    if (reply.status === 'rejected') throw reply.reason
    this.#settled(prepared, reply.value)
    if (items.some(({ spec }) => spec.counted === 'return')) worker.gaveBackAt = this.#crew.machineNow
    return true
  }

  /** Something that is not lost has follow-ups that lead nowhere. */
  #isRefused(items: Prepared['items']): boolean {
    const valid = new Set<Entry>()
    return items.some(({ spec, held }) => {
      const entry = this.#heldEntry(held)
      if (entry === undefined || valid.has(entry)) return false
      valid.add(entry)
      return !this.model.areRoutable(spec.follow)
    })
  }

  #settled({ worker, items, follow, records, now }: Prepared, replies: readonly string[]): void {
    const settled: { entry: Entry; spec: SettleSpec }[] = []
    const sent: Incoming[] = []
    for (const [index, { spec, held }] of items.entries()) {
      const entry = this.#heldEntry(held)
      const isTwice = settled.some((other) => other.entry === entry)
      const expected = entry === undefined || isTwice ? 'lost' : 'settled'
      if (replies[index] !== expected)
        throw new Violation(4, `the settlement of ${held.key} is ${replies[index]}, not ${expected}`)
      this.tally.add(`${spec.how}: ${expected}`)
      if (expected === 'lost') continue
      settled.push({ entry: entry!, spec })
      sent.push(...follow[index]!)
      if (records[index] !== undefined) this.model.keep(entry!.id, records[index])
    }
    this.model.settle(settled, sent, now)
    this.#ids.push(...sent.map(({ id }) => id))
    this.tally.add('follow-ups', sent.length)
    for (const { held } of items) {
      worker.remove(held.claim.token)
      this.#crew.stale.push(held)
    }
  }

  /** The message of a claim that is valid. */
  #heldEntry({ key, claim }: Held): Entry | undefined {
    const entry = this.model.entries.get(key)
    return entry?.place === 'claimed' && entry.token === claim.token ? entry : undefined
  }

  /** Claims that nobody holds and that are no longer valid: a process that died may not have been noticed yet. */
  #past(): Held[] {
    return this.#crew.stale.filter((held) => this.#heldEntry(held) === undefined)
  }

  /** A claim that was settled or taken back long ago: nothing of it happens. */
  async #settleStale({ which, settlement: spec, process }: Extract<Step, { do: 'settle-stale' }>): Promise<void> {
    const past = this.#past()
    const held = past[which % past.length] ?? neverClaimed
    const now = this.#store.clock.now()
    const follow = this.model.areRoutable(spec.follow) ? this.#incoming(spec.follow) : []
    const record = documentOf(idOf(held), spec.record ?? 'SUCCESS', ++this.#documents)
    const batch = [settlementOf({ spec, held, now, follow, record })]
    const replies = await this.#crew.process(process).broker.settle(batch)
    if (replies[0] !== 'lost') throw new Violation(4, `a stale claim of ${held.key} could settle`)
  }

  async #report(id: string, state: string): Promise<void> {
    const record = documentOf(id, state, ++this.#documents)
    await this.#crew.first.results.keep([{ id, contentType: 'application/json', ...record }])
    this.model.keep(id, record)
  }

  async #advance(ms: number): Promise<void> {
    await this.#crew.advance(ms)
    this.model.timeIs(this.#store.clock.now())
  }

  #setClock(ms: number): void {
    this.#store.clock.jump(ms)
    this.model.timeIs(this.#store.clock.now())
    if (ms > 0) this.#revokes.clockSet(this.#crew.machineNow)
  }

  async #setPaused(queue: string, isPaused: boolean): Promise<void> {
    if (isPaused) this.model.paused.add(queue)
    else this.model.paused.delete(queue)
    await (isPaused ? this.#crew.first.broker.admin.pause(queue) : this.#crew.first.broker.admin.resume(queue))
  }

  async #purge(queue: string): Promise<void> {
    const count = await this.#crew.first.broker.admin.purge(queue)
    const expected = this.model.purge(queue)
    if (count !== expected) throw new Violation(1, `a purge of ${queue} says ${count}, where ${expected} waited`)
    this.tally.add('purged', count)
  }

  async #dead(how: 'replay' | 'drop', which: number): Promise<void> {
    const dead = this.model.inPlace('dead')
    const entry = dead[which % dead.length]
    const { admin } = this.#crew.first.broker
    // Ids that are none count for nothing, nor does one that is named twice.
    const others = ['none', '123456']
    const act = (ids: readonly string[]): Promise<number> =>
      how === 'replay' ? admin.replayDead(ids) : admin.dropDead(ids)
    if (entry === undefined) {
      if ((await act(others)) !== 0) throw new Violation(1, `${how} of no dead letter says that there was one`)
      return
    }
    const letters = await admin.deadLetters({ queue: entry.queue })
    const letter = letters.find(({ taskId }) => taskId === entry.id)
    if (letter === undefined) throw new Violation(6, `the dead letter of ${entry.key} is not shown`)
    const count = await act([...others, letter.id, letter.id])
    if (count !== 1) throw new Violation(1, `${how} of ${entry.key} says ${count}`)
    if (how === 'replay') this.model.replay(entry)
    else entry.place = 'dropped'
  }

  async #revoke(id: string, process: StoreProcess): Promise<void> {
    const { clock, broker, stateStore } = process
    await this.#library.revokeTasks(
      { ids: [id], terminate: false },
      { clock, broker: async () => broker, stateStore: async () => stateStore },
    )
    await this.#crew.quiet()
    this.#revokes.add(id, {
      process,
      until: clock.now() + this.#library.revokedFor.ms,
      machineNow: this.#crew.machineNow,
    })
  }

  async #compare(): Promise<void> {
    await this.#crew.quiet()
    for (const worker of this.#crew.workers) {
      const { name } = worker.owner
      if (worker.errors[0] !== undefined) throw worker.errors[0]
      if (worker.take().length > 0) throw new Violation(13, `${name} was given messages that it did not ask for`)
      const { unsettled } = worker.consumer
      if (unsettled !== worker.held.length)
        throw new Violation(13, `${name} holds ${worker.held.length} and counts ${unsettled}`)
    }
    const { takenBack, promoted } = compare(this.model, this.#store.snapshot(), this.#crew.machineNow)
    this.tally.add('taken back', takenBack)
    this.tally.add('promoted', promoted)
    if (this.#ids.length > 0) await checkRecords(this.model, this.#crew.first.results, this.#ids)
    for (const { clock } of this.#crew.processes)
      if (clock.faults[0] !== undefined) throw new Violation(14, clock.faults[0])
  }
}

/** Settlements of one worker, and what the model needs to know of them. */
interface Prepared {
  readonly worker: ModelWorker
  readonly batch: readonly Settlement[]
  readonly items: readonly { readonly spec: SettleSpec; readonly held: Held }[]
  readonly follow: readonly (readonly Incoming[])[]
  readonly records: readonly (ReturnType<typeof documentOf> | undefined)[]
  readonly now: number
}

const neverClaimed: Held = { key: 'm0@q0', claim: { key: 123_456, token: 123_456, queue: 'q0' } }

function queueName(index: number): string {
  return `q${index % 3}`
}
