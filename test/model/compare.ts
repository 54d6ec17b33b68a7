import type { Entry, StoreModel } from './store-model.ts'
import type { SeenMessage, StoreSnapshot } from './store-under-model.ts'

/** What the store is not as the model says it must be; the number is the invariant's in the reliability rules. */
export class Violation extends Error {
  readonly invariant: number

  constructor(invariant: number, message: string) {
    super(`invariant ${invariant}: ${message}`)
    this.name = 'Violation'
    this.invariant = invariant
  }
}

/** What the store did by itself and may do sooner or later, as a comparison finds it. */
export interface Unprompted {
  takenBack: number
  promoted: number
}

/**
 * Compares a snapshot with the model. Where a store has a choice of when (a due time that passed, an owner that is gone), the model
 * follows what it did.
 * @param machineNow on the machine's clock
 * @throws {Violation}
 */
export function compare(model: StoreModel, snapshot: StoreSnapshot, machineNow: number): Unprompted {
  for (const fault of snapshot.faults) throw new Violation(1, fault)
  const seen = new Map<string, SeenMessage>()
  const tokens = new Set<number>()
  for (const message of snapshot.messages) {
    const other = seen.get(message.key)
    if (other !== undefined) throw new Violation(1, `${message.key} is both ${other.place} and ${message.place}`)
    seen.set(message.key, message)
    if (!model.entries.has(message.key))
      throw new Violation(2, `${message.key} is ${message.place}, and nobody sent it`)
    if (message.token === undefined) continue
    if (tokens.has(message.token)) throw new Violation(3, `two claims have the token ${message.token}`)
    tokens.add(message.token)
  }
  const found: Unprompted = { takenBack: 0, promoted: 0 }
  for (const entry of model.entries.values()) compareOne(model, entry, { seen: seen.get(entry.key), machineNow, found })
  return found
}

interface Facts {
  readonly seen: SeenMessage | undefined
  readonly machineNow: number
  readonly found: Unprompted
}

function compareOne(model: StoreModel, entry: Entry, { seen, machineNow, found }: Facts): void {
  const { key, place } = entry
  if (place === 'done' || place === 'purged' || place === 'dropped') {
    if (seen !== undefined) throw new Violation(1, `${key} is ${place} and ${seen.place} again`)
    return
  }
  if (seen === undefined) throw new Violation(1, `${key} is lost; it was ${place}`)
  if (seen.place !== place) follow(model, entry, { seen, machineNow, found })
  else if (place === 'claimed' && machineNow >= entry.owner!.lostBy)
    throw new Violation(3, `${key} is still claimed by ${entry.owner!.name}, which is gone or lapsed`)
  if (entry.place === 'scheduled' && seen.due !== entry.due)
    throw new Violation(12, `${key} is due at ${seen.due}, not at ${entry.due}`)
  if (entry.place === 'claimed') compareClaim(entry, seen)
  if (entry.place === 'dead') {
    if (seen.reason !== undefined && seen.reason !== entry.reason)
      throw new Violation(6, `${key} is dead for ${seen.reason}, not for ${entry.reason}`)
    return
  }
  compareHistory(entry, seen)
}

/** The store is somewhere else: allowed only where it may have acted by itself. */
function follow(model: StoreModel, entry: Entry, { seen, machineNow, found }: Required<Facts>): void {
  const { key, place, owner } = entry
  if (place === 'claimed' && (seen!.place === 'waiting' || seen!.place === 'scheduled')) {
    if (!owner!.isGone && machineNow < owner!.safeUntil)
      throw new Violation(3, `${key} was taken from ${owner!.name}, whose lease holds`)
    model.lost(entry)
    if (seen!.place === 'scheduled') {
      if (entry.history!.losses < 2) throw new Violation(12, `${key} waits after the first lost worker`)
      model.postponed(entry, seen!.due!)
    }
    found.takenBack++
  } else if (place === 'scheduled' && seen!.place === 'waiting') {
    if (!entry.isMature) throw new Violation(12, `${key} was made ready before its due time`)
    model.promoted(entry)
    found.promoted++
  } else throw new Violation(1, `${key} is ${seen!.place}, not ${place}`)
}

function compareClaim({ key, token, owner }: Entry, seen: SeenMessage): void {
  if (seen.token !== token) throw new Violation(3, `${key} is claimed with token ${seen.token}, not ${token}`)
  if (seen.owner !== undefined && seen.owner !== owner!.name)
    throw new Violation(3, `${key} is claimed by ${seen.owner}, not by ${owner!.name}`)
}

function compareHistory({ key, history }: Entry, seen: SeenMessage): void {
  const text = (of: SeenMessage['history']): string =>
    of === undefined ? 'was never delivered' : `has ${of.losses} losses and ${of.returns} returns`
  if (text(seen.history) !== text(history))
    throw new Violation(6, `${key} ${text(seen.history)}, where it ${text(history)}`)
}
