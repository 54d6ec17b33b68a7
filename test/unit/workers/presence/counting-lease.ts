import type { LeaseThreadPart } from '../../../../lib/broker/broker.ts'

/** Words of the shared memory that {@link openLease} counts in. */
export const renewals = 0
export const closings = 1
export const openings = 2

/** What the test says the lease shall do. */
export interface CountingLeaseData {
  readonly memory: SharedArrayBuffer
  readonly answers: 'held' | 'lost' | 'throws' | 'dies once'
}

/** A lease that counts, in memory shared with the test. */
export function openLease(data: CountingLeaseData): LeaseThreadPart {
  const counts = new Int32Array(data.memory)
  if (data.memory.byteLength === 4) throw new Error('cannot open this lease')
  const opened = Atomics.add(counts, openings, 1) + 1
  return {
    renew() {
      Atomics.add(counts, renewals, 1)
      if (data.answers === 'throws') throw new Error('the store is busy')
      if (data.answers === 'dies once' && opened === 1) process.exit(3)
      return data.answers !== 'lost'
    },
    close() {
      Atomics.add(counts, closings, 1)
    },
  }
}
