import type { Clock } from '../base/clock.ts'
import type { Broker } from '../broker/broker.ts'
import type { WireMessage } from '../message/wire-message.ts'
import type { StateStore } from '../state/state-store.ts'

/** Where workers listen for commands; Celery's name for it. */
export const controlTopic = 'celery.pidbox'

/** The index of the state store that holds revoked ids; scores are when each may be forgotten, ms since the epoch. */
export const revokedIndex = 'umbel.revoked'

/** How long a revoked id is remembered, and how many at most. @see Celery's CELERY_WORKER_REVOKE_EXPIRES and CELERY_WORKER_REVOKES_MAX */
export const revokedFor = { ms: 10_800_000, ids: 50_000 } as const

export interface RevocationParts {
  readonly clock: Clock
  broker(): Promise<Broker>
  stateStore(): Promise<StateStore>
}

/** What a `revoke` command says. */
export interface RevokeCommand {
  readonly ids: readonly string[]
  readonly terminate: boolean
}

/**
 * Revokes tasks: first remembered in the state store, so that it holds for workers that start later, then told to those alive. Resolves
 * when both is done; a worker that hears of it afterwards never starts the task.
 */
export async function revokeTasks(command: RevokeCommand, parts: RevocationParts): Promise<void> {
  const [broker, state] = await Promise.all([parts.broker(), parts.stateStore()])
  const now = parts.clock.now()
  const forgettable = await state.indexRange(revokedIndex, { to: now, limit: 1000 })
  if (forgettable.length > 0)
    await state.indexRemove(
      revokedIndex,
      forgettable.map(({ member }) => member),
    )
  await state.indexAdd(
    revokedIndex,
    command.ids.map((member) => ({ member, score: now + revokedFor.ms })),
  )
  await broker.broadcast(controlTopic, revokeMessage(command))
}

/** Celery's control request (wire format: control and events), for the `revoke` method. */
function revokeMessage({ ids, terminate }: RevokeCommand): WireMessage {
  const request = { method: 'revoke', arguments: { task_id: ids, terminate, signal: 'SIGTERM' }, destination: null }
  return {
    headers: {},
    properties: {},
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    body: JSON.stringify(request),
  }
}

/** The revoke command in a control message, or undefined when it is another command or none at all. */
export function readRevoke(message: WireMessage): RevokeCommand | undefined {
  if (message.contentType !== 'application/json') return undefined
  try {
    const request: unknown = JSON.parse(
      typeof message.body === 'string' ? message.body : Buffer.from(message.body).toString(),
    )
    if (!isTable(request) || request['method'] !== 'revoke' || !isTable(request['arguments'])) return undefined
    const { task_id: given, terminate } = request['arguments'] as Record<string, unknown>
    const ids = (Array.isArray(given) ? given : [given]).filter((id): id is string => typeof id === 'string')
    return ids.length > 0 ? { ids, terminate: terminate === true } : undefined
  } catch {
    return undefined // not JSON: no command of anybody's
  }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
