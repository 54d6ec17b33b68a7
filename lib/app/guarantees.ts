import type { Broker, BrokerGuarantee } from '../broker/broker.ts'
import type { ResultBackend } from '../result/result-backend.ts'
import type { ResolvedSettings } from './config.ts'

/**
 * What holds here, said before it is needed: by the brokers' own capabilities and the settings, not by what is usual. Workers print it at
 * start, `umbel report` on demand.
 * @throws {BrokerUnavailable} where the broker has to be asked, and is not there
 */
export async function guaranteesOf(
  settings: ResolvedSettings,
  broker: Broker,
  backend: ResultBackend,
): Promise<BrokerGuarantee[]> {
  const asked = await broker.guarantees?.()
  return [...(asked ?? kept(settings, broker)), ...carried(settings, broker, backend)]
}

/** What is to be said of stores that have nothing to ask. */
function kept(settings: ResolvedSettings, broker: Broker): BrokerGuarantee[] {
  const { durable } = broker.capabilities
  const isFull = settings.brokerTransportOptions.synchronous === 'full'
  const isSqlite = broker.store.startsWith('sqlite:')
  return [
    durable
      ? { holds: true, says: 'A call that resolved survives the end of every process.' }
      : { holds: false, says: 'Calls are lost with this process: the broker is in its memory.' },
    ...(isSqlite
      ? [
          isFull
            ? { holds: true, says: "A call that resolved survives a loss of power (synchronous: 'full')." }
            : {
                holds: false,
                says: "The last calls before a loss of power may be lost; set brokerTransportOptions: { synchronous: 'full' }.",
              },
        ]
      : []),
  ]
}

function carried(settings: ResolvedSettings, broker: Broker, backend: ResultBackend): BrokerGuarantee[] {
  const { sharedByProcesses, settlesResults, priorityOrder } = broker.capabilities
  const isSqlite = broker.store.startsWith('sqlite:')
  const lease = `${settings.leaseDurationMs / 1000} s`
  // Only on one machine can it be seen that a process is gone.
  const recovery =
    isSqlite || !sharedByProcesses
      ? `at once when its process is gone, within ${lease} when it hangs`
      : `soon after its lease of ${lease} has ended`
  return [
    settings.taskAcksLate
      ? {
          holds: true,
          says: `A task runs at least once: one whose worker dies runs again, ${recovery}.`,
        }
      : {
          holds: false,
          says: 'A task runs at most once: one whose worker dies is not run again (taskAcksLate is off).',
        },
    settings.taskRejectOnWorkerLost
      ? {
          holds: true,
          says: `A task that kills its worker is run again ${settings.maxDeliveries} times at most, then set aside.`,
        }
      : { holds: false, says: 'A task whose worker is lost is recorded as failed (taskRejectOnWorkerLost is off).' },
    resultGuarantee(settlesResults, broker, backend),
    sharedByProcesses
      ? {
          holds: true,
          says: isSqlite
            ? 'Every process of this machine can take part; processes of other machines cannot.'
            : 'Every process that reaches the broker can take part.',
        }
      : { holds: false, says: 'Only this process can take part.' },
    priorityOrder === 'none'
      ? { holds: false, says: 'Priorities are not kept.' }
      : {
          holds: true,
          says: `Priorities are kept: ${priorityOrder === 'lowest-first' ? '0 goes first' : 'the highest goes first'}.`,
        },
  ]
}

function resultGuarantee(settlesResults: boolean, broker: Broker, backend: ResultBackend): BrokerGuarantee {
  if (!backend.capabilities.keepsResults) return { holds: false, says: 'Results are not kept (disabled://).' }
  if (settlesResults && backend.store === broker.store)
    return {
      holds: true,
      says: 'Result, follow-ups and acknowledgement of a task are one act: all of them happen, or none.',
    }
  return {
    holds: false,
    says: 'Results are stored before the acknowledgement, not with it: after a crash in between, a task runs again.',
  }
}
