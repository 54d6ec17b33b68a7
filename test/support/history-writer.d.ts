import type { HistoryFact } from './history.ts'

/** Appends facts to one file. */
export interface HistoryWriter {
  (fact: HistoryFact): void
  close(): void
}
export function openHistory(folder: string, name: string): HistoryWriter
export function nowMicros(): number
