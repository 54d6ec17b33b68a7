import { Connections, type ConnectionsParts } from '../../lib/app/connections.ts'
import type { AppConnections } from '../../lib/app/footing.ts'
import type { Broker } from '../../lib/broker/broker.ts'
import type { ResultBackend } from '../../lib/result/result-backend.ts'
import type { StateStore } from '../../lib/state/state-store.ts'
import type { Gate } from './gate.ts'
import { type BrokerRecorder, RecordingBroker } from './recording-broker.ts'

/** The connections of an app under test: its stores are those of the settings, and what goes through the broker is told. */
export class TestConnections implements AppConnections {
  readonly #connections: Connections
  readonly #recorder: BrokerRecorder
  readonly #gate: Gate
  #broker: Promise<Broker> | undefined

  constructor(parts: ConnectionsParts, recorder: BrokerRecorder, gate: Gate) {
    this.#connections = new Connections(parts)
    this.#recorder = recorder
    this.#gate = gate
  }

  broker(): Promise<Broker> {
    this.#broker ??= this.#connections
      .broker()
      .then((broker) => new RecordingBroker(broker, this.#recorder, this.#gate))
    return this.#broker
  }

  resultBackend(): Promise<ResultBackend> {
    return this.#connections.resultBackend()
  }

  stateStore(): Promise<StateStore> {
    return this.#connections.stateStore()
  }

  onClose(listener: () => void): () => void {
    return this.#connections.onClose(listener)
  }

  async close(): Promise<void> {
    // What is asked for afterwards is refused by the connections themselves.
    this.#broker = undefined
    await this.#connections.close()
  }
}
