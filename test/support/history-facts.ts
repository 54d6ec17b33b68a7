import type { HistoryEvent } from './history.ts'

/** One start of a task's function, with how it ended if it did. */
export interface Run {
  readonly id: string
  readonly pid: number
  readonly attempt: number
  readonly redelivered: boolean
  readonly retries: number
  readonly startedAt: number
  endedAt: number | undefined
  value: string | undefined
  released: boolean
}

/** One injected fault. */
export interface Fault {
  readonly how: string
  readonly victim: number | undefined
  /** When it was written down, in microseconds. */
  readonly noticedAt: number
  /**
   * When it may have begun, at the earliest: a killed process lived at least until its last own fact. Equal to `noticedAt` for the others.
   */
  onAt: number
  /** Runs under way in the victim when it was hit. */
  inFlight: number
}

/** A history, sorted by what the checks ask. */
export interface Facts {
  readonly attempted: ReadonlySet<string>
  readonly expected: ReadonlyMap<string, string>
  readonly accepted: ReadonlySet<string>
  readonly refused: ReadonlySet<string>
  readonly runs: readonly Run[]
  readonly runsById: ReadonlyMap<string, readonly Run[]>
  /** Why each is among the dead letters, as often as it is there. */
  readonly dead: ReadonlyMap<string, readonly string[]>
  /** Sent by the system when the other has completed. */
  readonly after: ReadonlyMap<string, string>
  readonly ended: readonly Extract<HistoryEvent, { e: 'proc.end' }>[]
  /** When faults were over, µs. */
  readonly overAt: readonly number[]
  readonly expired: ReadonlySet<string>
  readonly reads: readonly Extract<HistoryEvent, { e: 'res.read' }>[]
  readonly faults: readonly Fault[]
  readonly drained: Extract<HistoryEvent, { e: 'drained' }> | undefined
  readonly malformed: readonly string[]
}

/** Sorts a history. */
export function gatherFacts(history: readonly HistoryEvent[]): Facts {
  const attempted = new Set<string>()
  const expected = new Map<string, string>()
  const accepted = new Set<string>()
  const refused = new Set<string>()
  const expired = new Set<string>()
  const dead = new Map<string, string[]>()
  const after = new Map<string, string>()
  const ended: Extract<HistoryEvent, { e: 'proc.end' }>[] = []
  const overAt: number[] = []
  const reads: Extract<HistoryEvent, { e: 'res.read' }>[] = []
  const runs: Run[] = []
  const open = new Map<string, Run>()
  const faults: Fault[] = []
  const malformed: string[] = []
  let drained: Facts['drained']
  const lastFact = new Map<number, number>()
  for (const event of history) {
    if (event.e === 'run.start' || event.e === 'run.end' || event.e === 'released') lastFact.set(event.pid, event.t)
    switch (event.e) {
      case 'pub.call':
        if (attempted.has(event.id)) malformed.push(`${event.id} was called twice: ids must be used once`)
        attempted.add(event.id)
        if (event.v !== undefined) expected.set(event.id, event.v)
        if (event.after !== undefined) after.set(event.id, event.after)
        break
      case 'pub.ok':
        accepted.add(event.id)
        break
      case 'pub.fail':
        refused.add(event.id)
        break
      case 'pub.unknown':
        // So is every call without an answer: its process was killed first.
        break
      case 'run.start': {
        const run: Run = {
          id: event.id,
          pid: event.pid,
          attempt: event.attempt,
          redelivered: event.redelivered,
          retries: event.retries ?? 0,
          startedAt: event.t,
          endedAt: undefined,
          value: undefined,
          released: false,
        }
        runs.push(run)
        open.set(runKey(event), run)
        break
      }
      case 'run.end':
      case 'released': {
        const run = open.get(runKey(event))
        if (run === undefined) {
          malformed.push(`${event.id} ended in process ${event.pid} without having started there`)
          break
        }
        run.endedAt = event.t
        if (event.e === 'run.end') run.value = event.v
        else run.released = true
        break
      }
      case 'dead':
        dead.set(event.id, [...(dead.get(event.id) ?? []), event.v])
        break
      case 'expired':
        expired.add(event.id)
        break
      case 'res.read':
        reads.push(event)
        break
      case 'fault.on':
        faults.push({ how: event.how, victim: event.victim, noticedAt: event.t, onAt: event.t, inFlight: 0 })
        break
      case 'fault.off':
        overAt.push(event.t)
        break
      case 'proc.end':
        ended.push(event)
        break
      case 'drained':
        drained = event
        break
      default:
        malformed.push(`unknown event ${JSON.stringify(event satisfies never)}`)
    }
  }
  const runsById = new Map<string, Run[]>()
  for (const run of runs) {
    const of = runsById.get(run.id)
    if (of === undefined) runsById.set(run.id, [run])
    else of.push(run)
  }
  for (const fault of faults) {
    if (fault.how === 'kill') fault.onAt = lastFact.get(fault.victim ?? -1) ?? fault.noticedAt
    fault.inFlight = runs.filter(
      (run) =>
        // A fault of the broker hits whoever is at work.
        (run.pid === fault.victim || fault.how === 'broker') &&
        run.startedAt <= fault.onAt &&
        (run.endedAt ?? Infinity) >= fault.onAt,
    ).length
  }
  // What the system sends itself it owes as soon as the other has completed.
  for (const [id, other] of after) if (runsById.get(other)?.some((run) => run.value !== undefined)) accepted.add(id)
  return {
    attempted,
    expected,
    accepted,
    refused,
    runs,
    runsById,
    dead,
    after,
    ended,
    overAt,
    expired,
    reads,
    faults,
    drained,
    malformed,
  }
}

function runKey(event: { id: string; pid: number; attempt: number }): string {
  return `${event.pid} ${event.attempt} ${event.id}`
}
