import type { Outgoing, Settlement } from '../../../lib/broker/broker.ts'
import type { TaskContext } from '../../../lib/index.ts'
import { parseIsoTime } from '../../../lib/message/iso-time.ts'
import { isFinal, type StoredRecord } from '../../../lib/result/result-record.ts'
import type { FakeEntry, StoreAudit } from '../unkind-broker/fake-messages.ts'
import { type CallSpec, endingsOf, maxRetries } from '../world/calls.ts'
import type { Plan } from '../world/plan.ts'
import type { Process } from '../world/process.ts'

/** Who did something to the store, and how. */
export interface Author {
  readonly process: Process
  readonly via: 'settle' | 'keep'
}

/** All that is known of one id. */
export interface Account {
  readonly id: string
  readonly spec: CallSpec
  /** Whose follow-up it is; a call of a producer otherwise. */
  readonly parent: Account | undefined
  status: 'expected' | 'called' | 'accepted' | 'refused' | 'unknown'
  /** It may have been stored several times, or not at all. */
  isDoubtful: boolean
  /** Messages of it that are waiting, scheduled or claimed. */
  live: number
  /** Messages of it that were acknowledged or set aside. */
  ended: number
  everStored: boolean
  /** The highest number of retries that a message of it was stored with. */
  retries: number
  lastToken: number
  readonly starts: Map<number, number>
  /** The first final record. */
  final: StoredRecord | undefined
  readonly dead: string[]
  /** Somebody asked to have it revoked. */
  isRevoked: boolean
  /** At most once: who was allowed to run it and has not ended it. */
  runner: Process | undefined
  /** At most once: its runner, or the answer that allowed the run, was lost. */
  mayBeLost: boolean
  requeues: number
  /** A worker lost it, perhaps between its record and its acknowledgement where these are in two stores. */
  wasRecovered: boolean
}

export interface Violation {
  /** Of reliability's list of invariants; L is liveness. */
  readonly invariant: number | string
  readonly what: string
}

/** Everything that a world knows about its calls, and the rules that hold after every act of the store. */
export class Ledger implements StoreAudit {
  readonly accounts = new Map<string, Account>()
  readonly violations: Violation[] = []
  runs = 0
  repeats = 0
  readonly #plan: Plan
  readonly #now: () => number
  readonly #trace: (line: string) => void
  readonly #touched = new Set<Account>()

  constructor(plan: Plan, now: () => number, trace: (line: string) => void) {
    this.#plan = plan
    this.#now = now
    this.#trace = trace
  }

  violated(invariant: number | string, what: string): void {
    this.#trace(`VIOLATED ${invariant}: ${what}`)
    if (this.violations.length < 20) this.violations.push({ invariant, what })
  }

  /** A call is about to be made; what it leads to is expected from now on. */
  opened(spec: CallSpec, status: Account['status'] = 'called', parent?: Account): Account {
    const account: Account = {
      id: spec.id,
      spec,
      parent,
      status,
      // Records, follow-ups and acknowledgements one after another: a crash between repeats some of them.
      isDoubtful: !this.#plan.isOneStore,
      live: 0,
      ended: 0,
      everStored: false,
      retries: 0,
      lastToken: 0,
      starts: new Map(),
      final: undefined,
      dead: [],
      isRevoked: false,
      runner: undefined,
      mayBeLost: false,
      requeues: 0,
      wasRecovered: false,
    }
    this.accounts.set(spec.id, account)
    for (const id of [spec.link, spec.errorLink, spec.child])
      if (id !== undefined) this.opened({ ...spec, ...plainFollowUp, id }, 'expected', account)
    return account
  }

  closed(account: Account, status: 'accepted' | 'refused' | 'unknown'): void {
    this.#trace(`${account.id} ${status}`)
    account.status = status
    if (status === 'refused' && account.everStored) this.violated('G', `${account.id} was refused, and is in the store`)
    if (status === 'accepted' && !account.everStored) this.violated('P1', `${account.id} was accepted and not stored`)
  }

  // What happens in the store.

  stored(entry: FakeEntry, by: unknown): void {
    this.#trace(`stored ${shown(entry)}${by === undefined ? '' : ` by ${(by as Author).process.name}`}`)
    const account = this.#accountOf(entry)
    if (account === undefined) return
    if (account.status === 'refused') this.violated('G', `${account.id} was refused, and is stored`)
    account.everStored = true
    account.live++
    const retries = retriesOf(entry)
    if (retries > maxRetries) this.violated(7, `${account.id} is sent for its retry ${retries} of ${maxRetries}`)
    if (retries > account.retries + 1)
      this.violated(7, `${account.id} jumps from retry ${account.retries} to ${retries}`)
    if (retries > 0 && retries <= account.retries && !account.isDoubtful)
      this.violated(4, `${account.id} is sent for its retry ${retries} again`)
    account.retries = Math.max(account.retries, retries)
    account.runner = undefined
  }

  claimed(entry: FakeEntry): void {
    this.#trace(`claimed ${shown(entry)} by ${entry.owner?.name.split(' ')[0]}, token ${entry.token}`)
    const account = this.#accountOf(entry)
    if (account === undefined) return
    if (entry.token <= account.lastToken) this.violated(3, `the tokens of ${account.id} don't rise`)
    account.lastToken = entry.token
  }

  settled(entry: FakeEntry, settlement: Settlement, by: unknown): void {
    const { disposition, counted, reason } = settlement
    this.#trace(`settled ${shown(entry)}: ${disposition} ${counted ?? reason ?? ''}`)
    const account = this.#accountOf(entry)
    if (account === undefined) return
    if (disposition === 'give-back' || disposition === 'park') return
    account.live--
    account.ended++
    if (disposition === 'dead-letter') {
      account.dead.push(reason ?? '')
      if (reason === 'max-deliveries' && entry.losses <= this.#plan.maxDeliveries)
        this.violated(6, `${account.id} is set aside after ${entry.losses} losses of ${this.#plan.maxDeliveries}`)
    }
    const isOnlyAcknowledged = disposition === 'done' && settlement.record === undefined
    if (account.spec.kind !== 'once' || account.spec.ignoresResult || !isOnlyAcknowledged) return
    const { process } = by as Author
    account.runner = process
    // What it sent last arrived after its death.
    if (process.isDead) account.mayBeLost = true
  }

  lost(settlement: Settlement): void {
    this.#trace(`lost token ${settlement.claim.token}: ${settlement.disposition}`)
  }

  recovered(entry: FakeEntry): void {
    this.#trace(`recovered ${shown(entry)}, losses ${entry.losses}`)
    const account = this.#accountOf(entry)
    if (account !== undefined) account.wasRecovered = true
  }

  kept(record: StoredRecord, by: unknown): void {
    this.#trace(`record of ${record.id}: ${record.state}`)
    const account = this.accounts.get(record.id)
    if (account === undefined) {
      this.violated(2, `a record of ${record.id} is stored, which nobody sent`)
      return
    }
    this.#touched.add(account)
    if (!isFinal(record.state)) return
    const { process, via } = by as Author
    if (this.#plan.isOneStore && via === 'keep' && account.spec.kind !== 'once')
      this.violated(4, `${process.name} stores the end of ${record.id} outside of its settlement`)
    if (
      account.final !== undefined &&
      account.final.state !== record.state &&
      !account.isDoubtful &&
      this.#plan.isOneStore
    )
      this.violated(5, `${record.id} ended as ${account.final.state} and then as ${record.state}`)
    account.final ??= record
    account.runner = undefined
  }

  /** One act is over: each id that it touched is in exactly one place. */
  acted(): void {
    for (const account of this.#touched) this.#checkPlace(account)
    this.#touched.clear()
  }

  // What workers do.

  /** A process sends something by itself. What ends a late-acknowledged task may go with its settlement alone. */
  publishes(process: Process, messages: readonly Outgoing[]): void {
    if (process.isDead || !process.isWorker || !this.#plan.isOneStore) return
    for (const { message } of messages) {
      const account = this.accounts.get(String(message.headers['id']))
      const isChild = account?.parent?.spec.child === account?.id
      const isOnce = account?.spec.kind === 'once' || account?.parent?.spec.kind === 'once'
      if (!isChild && !isOnce) this.violated(4, `${process.name} sends ${account?.id ?? '?'} outside of a settlement`)
    }
  }

  started(process: Process, task: TaskContext): Account | undefined {
    const { id, retries, attempt } = task
    this.#trace(`started ${id} r${retries} attempt ${attempt} on ${process.name}`)
    const account = this.accounts.get(id)
    if (account === undefined) {
      this.violated(2, `${id} starts, which nobody sent`)
      return undefined
    }
    const { spec } = account
    const starts = (account.starts.get(retries) ?? 0) + 1
    account.starts.set(retries, starts)
    this.runs++
    if (starts > 1) {
      this.repeats++
      // It may send the same again.
      if (spec.child !== undefined) this.#doubt(this.accounts.get(spec.child)!)
    }
    if (retries > maxRetries) this.violated(7, `${id} starts its retry ${retries} of ${maxRetries}`)
    if (retries > account.retries) this.violated(7, `${id} starts retry ${retries}, and ${account.retries} were sent`)
    if (attempt - 1 > this.#plan.maxDeliveries) this.violated(6, `${id} starts after ${attempt - 1} losses`)
    if (spec.kind === 'once' && starts > 1 && !account.isDoubtful)
      this.violated('P3', `${id} is at most once, and starts again`)
    if (process.revoked.has(id)) this.violated(11, `${id} starts on ${process.name}, which knows that it is revoked`)
    this.#checkTimes(account, task)
    if (process.running() > this.#plan.concurrency)
      this.violated(13, `${process.name} runs ${process.running()} tasks, and may run ${this.#plan.concurrency}`)
    if (process.isStopping && spec.kind !== 'once')
      this.violated(16, `${id} starts on ${process.name} after it was told to stop`)
    return account
  }

  heardOfRevoked(process: Process, ids: readonly string[]): void {
    if (process.isDead) return
    for (const id of ids) process.revoked.add(id)
  }

  checkHeld(process: Process): void {
    const { concurrency, prefetchMultiplier } = this.#plan
    const most = concurrency * prefetchMultiplier
    for (const consumer of process.broker?.consumers ?? [])
      if (consumer.unsettled > most || consumer.prefetch > most)
        this.violated(13, `${process.name} holds ${consumer.unsettled}, and may hold ${most}`)
  }

  doubted(messages: readonly Outgoing[]): void {
    for (const { message } of messages) {
      const account = this.accounts.get(String(message.headers['id']))
      if (account === undefined) continue
      this.#trace(`in doubt: ${account.id}`)
      this.#doubt(account)
    }
  }

  /** What runs twice sends its follow-ups twice. */
  #doubt(account: Account): void {
    account.isDoubtful = true
    for (const id of [account.spec.link, account.spec.errorLink, account.spec.child])
      if (id !== undefined) this.#doubt(this.accounts.get(id)!)
  }

  /** Nobody knows whether it was done: what must not be run before may now be run by nobody. */
  settleDoubted(batch: readonly Settlement[]): void {
    for (const { claim } of batch)
      for (const account of this.accounts.values()) if (account.lastToken === claim.token) account.mayBeLost = true
  }

  /** A process is gone, with whatever it alone could have ended. */
  gone(process: Process): void {
    for (const account of this.accounts.values()) if (account.runner === process) account.mayBeLost = true
  }

  /** A warm stop that nobody hurried leaves nothing claimed. */
  checkStopped(process: Process, isWarm: boolean): void {
    if (process.isDead || !isWarm || process.broker === undefined) return
    const held = process.broker.held()
    if (held.length > 0)
      this.violated(16, `${process.name} has stopped warm and holds ${held.map(({ id }) => id).join(', ')}`)
  }

  /** Nothing of a process that was closed is left: no timer, consumer, subscription or watch. */
  checkNothingLeft({ name, host, broker, results, isDead }: Process): void {
    if (isDead) return
    if (host.timers > 0) this.violated(15, `${name} is closed and has ${host.timers} timers`)
    if ((broker?.consumers.size ?? 0) > 0) this.violated(15, `${name} is closed and consumes`)
    if ((broker?.subscriptions.size ?? 0) > 0) this.violated(15, `${name} is closed and listens`)
    if ((results?.watches.size ?? 0) > 0) this.violated(15, `${name} is closed and watches results`)
  }

  // What must be so in the end.

  /** Ids that must still come to an end. */
  *open(): Iterable<Account> {
    for (const account of this.accounts.values())
      if (
        account.live > 0 ||
        (account.status === 'accepted' && this.#endingsOf(account).length === 0 && !account.mayBeLost)
      )
        yield account
  }

  checkEndings(): void {
    for (const account of this.accounts.values()) {
      if (!account.everStored) continue
      const allowed = endingsOf(account.spec, this.#plan)
      for (const ending of this.#endingsOf(account)) {
        if (allowed.has(ending) || (ending === 'REVOKED' && account.isRevoked)) continue
        if (account.isRevoked && ending === 'ended') continue
        if (ending === 'ended' && account.mayBeLost) continue
        // Its first end was kept, and its message came again and ended otherwise.
        if (!this.#plan.isOneStore && account.wasRecovered) continue
        if (ending === 'FAILURE' && account.dead.includes('max-deliveries')) continue
        this.violated('E', `${account.id} (${account.spec.kind}) ended as ${ending}, not ${[...allowed].join(' or ')}`)
      }
    }
  }

  /** How an id has ended, as far as it has. */
  #endingsOf(account: Account): string[] {
    const endings = account.dead.map((reason) => `dead:${reason}`)
    if (account.final !== undefined) endings.push(account.final.state)
    if (endings.length === 0 && account.ended > 0 && account.live === 0 && account.runner === undefined)
      endings.push('ended')
    return endings
  }

  #accountOf(entry: FakeEntry): Account | undefined {
    const account = this.accounts.get(entry.id)
    if (account === undefined) this.violated(2, `${entry.id} is in the store, which nobody sent`)
    else this.#touched.add(account)
    return account
  }

  /** Invariant 1, and that an end is seen: nothing vanishes silently. */
  #checkPlace(account: Account): void {
    const { id, live, final, spec, dead } = account
    if (live < 0) this.violated(1, `${id} was removed more often than it was stored`)
    if (!account.everStored || live > 1) {
      if (live > 1 && !account.isDoubtful) this.violated(1, `${id} is in the store ${live} times`)
      return
    }
    if (live === 1) {
      if (final !== undefined && !account.isDoubtful && this.#plan.isOneStore)
        this.violated(1, `${id} has ended as ${final.state} and is in the store still`)
      return
    }
    const mayEndSilently =
      spec.kind === 'ignore' || spec.kind === 'once' || spec.ignoresResult || dead.length > 0 || account.mayBeLost
    if (final === undefined && !mayEndSilently)
      this.violated(1, `${id} (${spec.kind}) is gone: no message, no record, no dead letter`)
    this.#checkFollowUps(account)
  }

  #checkFollowUps({ id, final, spec, isRevoked, wasRecovered }: Account): void {
    if (final === undefined || isRevoked || spec.kind === 'once' || spec.kind === 'reject') return
    const follows = final.state === 'SUCCESS' ? spec.link : final.state === 'FAILURE' ? spec.errorLink : undefined
    if (follows === undefined || this.accounts.get(follows)!.everStored) return
    const isSetAside = this.accounts.get(id)!.dead.length > 0
    if (final.state === 'FAILURE' && isSetAside) return // nothing of the user ran
    // With two stores the follow-up comes after the record; the message of a worker that died between may expire, or cost too many.
    if (!this.#plan.isOneStore && (isSetAside || wasRecovered || spec.expiresS !== undefined)) return
    this.violated(1, `${id} ended as ${final.state}, and its follow-up ${follows} was never sent`)
  }

  #checkTimes({ id }: Account, task: TaskContext): void {
    const now = this.#now()
    if (task.eta !== undefined && now < task.eta.getTime()) this.violated(12, `${id} starts before its ETA`)
    if (task.expires !== undefined && now > task.expires.getTime())
      this.violated(12, `${id} starts ${now - task.expires.getTime()} ms after it expired`)
  }
}

const plainFollowUp: Omit<CallSpec, 'id' | 'queue'> = {
  kind: 'ok',
  ms: 5,
  times: 0,
  countdownS: undefined,
  expiresS: undefined,
  priority: undefined,
  ignoresResult: false,
  link: undefined,
  errorLink: undefined,
  child: undefined,
}

function retriesOf({ message }: FakeEntry): number {
  const { retries } = message.headers
  return typeof retries === 'number' ? retries : 0
}

function shown(entry: FakeEntry): string {
  const { eta } = entry.message.headers
  const due = typeof eta === 'string' ? ` due ${parseIsoTime(eta)}` : ''
  return `${entry.id} r${retriesOf(entry)} #${entry.key} in ${entry.queue}${due}`
}
