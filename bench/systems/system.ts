import type { ProducerJob } from '../messages.ts'

/** A process to be started. */
export interface Command {
  /** As errors and progress name it. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Where one run of one row happens; empty at first, removed afterwards. */
export interface Place {
  readonly folder: string
  /** The built program of `bench/programs/`, by its name. */
  program(name: string): string
}

/**
 * Something that is measured: Umbel itself, what it is compared with, or what lies below it. A new one is a file in this folder and a
 * line in `suites.ts`.
 */
export interface System {
  readonly name: string
  readonly title: string
  /** The rows that it can run. */
  readonly rows: readonly RowName[]
  /** Starts what it needs. */
  open(place: Place): Promise<OpenSystem>
}

/** Opened for one run of one row. */
export interface OpenSystem {
  producer(jobs: readonly ProducerJob[]): Command
  worker(): Command
  /** Reads every result; the id at place i is that of `add(i, 1)`. @returns what is wrong, in words */
  wrongResults(ids: readonly string[]): Promise<string[]>
  /** Messages that are not settled yet. May take long while they are many. */
  unsettled(): Promise<number>
  /** What the messages take on disk. */
  storedBytes(): Promise<number>
  close(): Promise<void>
}

export const rowNames = [
  'delay',
  'delayMany',
  'drain',
  'drain-2',
  'idle',
  'together',
  'waiting-few',
  'waiting-many',
  'parked-few',
  'parked-many',
] as const
export type RowName = (typeof rowNames)[number]
