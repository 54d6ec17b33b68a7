import { ResultsDisabled } from '../../base/errors.ts'
import type { Fetched, ResultBackend, ResultBackendCapabilities } from '../result-backend.ts'
import type { StoredRecord } from '../result-record.ts'

/** Keeps nothing: what it is given is dropped, and asking it is refused. */
export class DisabledResultBackend implements ResultBackend {
  readonly capabilities: ResultBackendCapabilities = { keepsResults: false, sharedByProcesses: false }
  readonly store = 'disabled:'

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  async keep(_records: readonly StoredRecord[]): Promise<void> {}

  async fetch(ids: readonly string[]): Promise<Fetched[]> {
    throw keepsNothing(`read the results of ${ids.length} tasks`)
  }

  watch(id: string, _onChange: (found: Fetched) => void): () => void {
    throw keepsNothing(`wait for the result of task ${id}`)
  }

  async forget(_ids: readonly string[]): Promise<void> {}
}

function keepsNothing(what: string): ResultsDisabled {
  return new ResultsDisabled(`Cannot ${what}: results are disabled. Set \`resultBackend\` to a store to keep them.`)
}
