import { largeStoreRows } from './large-store.ts'
import { latencyRows } from './latency.ts'
import type { Row } from './row.ts'
import { throughputRows } from './throughput.ts'

/** Every row, in the order in which they run and are shown. */
export const rows: readonly Row[] = [...throughputRows, ...latencyRows, ...largeStoreRows]
