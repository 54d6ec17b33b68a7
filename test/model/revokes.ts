import type { StoreProcess } from './store-under-model.ts'

/** By then every process has heard what another one broadcast. */
const heardWithinMs = 2_000

interface Revoke {
  /** When it may be forgotten, by the wall clock. */
  readonly until: number
  /** Processes that know of it for sure. */
  readonly known: Set<StoreProcess>
  /** When all that are alive know of it, on the machine's clock. */
  heardBy: number
}

/** Which process has to know of which revoke. */
export class Revokes {
  readonly #byId = new Map<string, Revoke>()

  /** @param given.process where it was asked for */
  add(id: string, given: { process: StoreProcess; until: number; machineNow: number }): void {
    const { process, until, machineNow } = given
    this.#byId.set(id, { until, known: new Set([process]), heardBy: machineNow + heardWithinMs })
  }

  /** Who joins reads what is remembered. */
  joined(process: StoreProcess): void {
    for (const revoke of this.#byId.values()) revoke.known.add(process)
  }

  /** What is broadcast is kept for a minute of the wall clock: who has not heard yet when it is set may never hear. */
  clockSet(machineNow: number): void {
    for (const revoke of this.#byId.values()) if (machineNow < revoke.heardBy) revoke.heardBy = Number.POSITIVE_INFINITY
  }

  /** `open` while the news travels, or where it may have been forgotten. */
  newsOf(id: string, at: { process: StoreProcess; now: number; machineNow: number }): 'none' | 'known' | 'open' {
    const revoke = this.#byId.get(id)
    if (revoke === undefined) return 'none'
    const isKnown = revoke.known.has(at.process) || at.machineNow >= revoke.heardBy
    return isKnown && at.now < revoke.until ? 'known' : 'open'
  }
}
