import { type Clock, clockOver, type Timers } from '../../../lib/base/clock.ts'
import { BinaryHeap } from '../../../lib/broker/memory/binary-heap.ts'

interface Timer {
  dueAt: number
  readonly order: number
  readonly fire: () => void
  /** Undefined for the world's own. */
  readonly host: Host | undefined
  isOver: boolean
}

/** Node fires a timer that is longer than this after 1 ms. */
export const longestNodeTimerMs = 2 ** 31 - 1

/**
 * Time of a whole simulated world: one queue of timers, and nothing happens but when the next of them fires. Timers that are due at the
 * same moment fire in the order in which they were set.
 */
export class VirtualTime {
  readonly startsAt: number
  /** The world's own clock: that of brokers and of whoever watches. */
  readonly clock: Clock
  #elapsed = 0
  #order = 0
  readonly #timers = new BinaryHeap<Timer>((a, b) => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order))

  constructor(startsAt: number) {
    this.startsAt = startsAt
    const { now, monotonic } = this
    this.clock = {
      now,
      monotonic,
      timer: (ms, fire) => this.after(ms, fire),
      sleep: (ms) => new Promise((resolve) => void this.after(ms, resolve)),
    }
  }

  /** Virtual ms since the epoch. */
  readonly now = (): number => this.startsAt + this.#elapsed
  /** Virtual ms since the world began. */
  readonly monotonic = (): number => this.#elapsed

  /** @returns what cancels it */
  after(ms: number, fire: () => void): () => void {
    const timer = this.#add(ms, fire, undefined)
    return () => {
      timer.isOver = true
    }
  }

  /** Fires the next timer, at its time. False when there is none. */
  step(): boolean {
    for (let timer = this.#timers.pop(); timer !== undefined; timer = this.#timers.pop()) {
      if (timer.isOver || timer.host?.isDead) continue
      this.#elapsed = Math.max(this.#elapsed, timer.dueAt)
      if (timer.host?.holds(timer.fire, timer)) continue
      timer.isOver = true
      timer.host?.over(timer)
      timer.fire()
      return true
    }
    return false
  }

  /** A process's view: its timers die with it. @param onTooLong told of a timer beyond Node's limit */
  host(onTooLong: (ms: number) => void): Host {
    return new Host(this, (ms, fire, host) => this.#add(ms, fire, host), onTooLong)
  }

  #add(ms: number, fire: () => void, host: Host | undefined): Timer {
    const timer: Timer = { dueAt: this.#elapsed + Math.max(0, ms), order: this.#order++, fire, host, isOver: false }
    this.#timers.push(timer)
    return timer
  }
}

/** The timers of one process, which can be frozen and can die. Beside timers it holds what the network brings meanwhile. */
export class Host {
  readonly clock: Clock
  isDead = false
  isFrozen = false
  readonly #time: VirtualTime
  readonly #set: (ms: number, fire: () => void, host: Host) => Timer
  readonly #live = new Set<Timer>()
  #held: { readonly fire: () => void; readonly timer: Timer | undefined }[] = []

  constructor(
    time: VirtualTime,
    set: (ms: number, fire: () => void, host: Host) => Timer,
    onTooLong: (ms: number) => void,
  ) {
    this.#time = time
    this.#set = set
    const timers: Timers = {
      now: time.now,
      monotonic: time.monotonic,
      set: (fire, ms) => {
        if (ms > longestNodeTimerMs) onTooLong(ms)
        return this.#arm(fire, ms > longestNodeTimerMs || !(ms >= 1) ? 1 : ms)
      },
    }
    this.clock = clockOver(timers)
  }

  /** Timers armed and not fired. */
  get timers(): number {
    return this.#live.size
  }

  /** Brings something from outside, now or when it wakes up; never when it is dead. */
  bring(fire: () => void): void {
    if (this.isDead) return
    if (this.isFrozen) this.#held.push({ fire, timer: undefined })
    else fire()
  }

  freeze(): void {
    this.isFrozen = true
  }

  /** What was held happens now, one after another, each in a turn of its own. */
  thaw(): void {
    if (!this.isFrozen || this.isDead) return
    this.isFrozen = false
    const held = this.#held
    this.#held = []
    for (const { fire, timer } of held)
      this.#time.after(0, () => {
        if (timer?.isOver) return
        if (timer !== undefined) this.over(timer)
        this.bring(fire)
      })
  }

  /** As by SIGKILL. */
  kill(): void {
    this.isDead = true
    this.#held = []
    this.#live.clear()
  }

  /** @internal */
  holds(fire: () => void, timer: Timer): boolean {
    if (!this.isFrozen) return false
    this.#held.push({ fire, timer })
    return true
  }

  /** @internal */
  over(timer: Timer): void {
    timer.isOver = true
    this.#live.delete(timer)
  }

  #arm(fire: () => void, ms: number): () => void {
    if (this.isDead) return () => {}
    const timer = this.#set(ms, fire, this)
    this.#live.add(timer)
    return () => this.over(timer)
  }
}
