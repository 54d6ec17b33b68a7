import { type Clock, systemClock } from '../../base/clock.ts'
import { machineTime } from '../../driver/sqlite/machine-time.ts'
import { openDatabase } from '../../driver/sqlite/sqlite-database.ts'
import { storeError } from '../../driver/sqlite/store-error.ts'
import type { LeaseThreadPart } from '../broker.ts'
import { renewLease } from './owner-rows.ts'

/** What the lease thread needs to know; survives `structuredClone`. */
export interface SqliteLeaseData {
  readonly path: string
  readonly owner: string
}

/** A thread that does nothing else may wait for a lock: nobody waits for it. */
const busyTimeoutMs = 1_000

/** Renews the lease of one owner's claims, all at once, over a connection of its own. */
export function openLease(data: unknown, clock: Clock = systemClock): LeaseThreadPart {
  const { path, owner } = data as SqliteLeaseData
  const machineNow = machineTime(clock)
  const database = openDatabase(path, { busyTimeoutMs })
  database.exec('pragma synchronous = normal')
  return {
    renew() {
      try {
        return renewLease(database, owner, machineNow())
      } catch (error) {
        throw storeError(error, { what: 'renew the lease', path, waitedMs: busyTimeoutMs })
      }
    },
    close: () => database.close(),
  }
}
