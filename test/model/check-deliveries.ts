import type { Delivery } from '../../lib/broker/broker.ts'
import { Violation } from './compare.ts'
import type { ModelWorker } from './model-worker.ts'
import { type Entry, mustPrecede, type StoreModel } from './store-model.ts'

/** What one worker was given in one step. */
export interface Given {
  readonly worker: ModelWorker
  readonly deliveries: readonly Delivery[]
  /** How many it could take. */
  readonly room: number
}

export interface ClaimFacts {
  /** Wall clock, ms since the epoch. */
  readonly now: number
  /** Due times younger than this may be left to others by a worker that gave back what it can't use, ms. */
  readonly yieldMs: number
  readonly isYielding: (worker: ModelWorker) => boolean
}

/** Checks what workers were given in one step, all that was allowed before it, and enters it in the model. @throws {Violation} */
export function checkDeliveries(model: StoreModel, all: readonly Given[], facts: ClaimFacts): Entry[] {
  const places = new Map(model.claimable(['q0', 'q1', 'q2']).map((entry) => [entry, { ...entry }]))
  const given = new Set<Entry>()
  for (const { worker, deliveries } of all) {
    const mine: Entry[] = []
    for (const delivery of deliveries) mine.push(checkOne(model, worker, delivery))
    checkOrder(mine.map((entry) => places.get(entry)!))
    for (const entry of mine) given.add(entry)
    for (const [index, entry] of mine.entries()) model.claimed(entry, deliveries[index]!.claim.token, worker.owner)
  }
  const left = [...places].filter(([entry]) => !given.has(entry)).map(([, place]) => place)
  for (const entry of given) {
    const passed = left.find((place) => isReady(place, facts.now) && isBefore(place, places.get(entry)!))
    if (passed !== undefined) throw new Violation(1, `${entry.key} was delivered before ${passed.key}, out of turn`)
  }
  for (const { worker, deliveries, room } of all) {
    if (deliveries.length > room)
      throw new Violation(13, `${worker.owner.name} was given ${deliveries.length} where it had room for ${room}`)
    if (deliveries.length === room) continue
    const isPatient = deliveries.length === 0 && facts.isYielding(worker)
    const missed = left.find(
      (place) =>
        worker.queues.includes(place.queue) &&
        isReady(place, facts.now - (isPatient && place.place === 'scheduled' ? facts.yieldMs : 0)),
    )
    if (missed !== undefined)
      throw new Violation(1, `${missed.key} waits, and ${worker.owner.name}, which has room, is not given it`)
  }
  return [...given]
}

function checkOne(model: StoreModel, worker: ModelWorker, delivery: Delivery): Entry {
  const { claim, message, queue, losses, returns, redelivered, firstReturnedAt } = delivery
  const key = `${String(message.headers['id'])}@${queue}`
  const entry = model.entries.get(key)
  const { name } = worker.owner
  if (entry === undefined) throw new Violation(2, `${name} was given ${key}, which nobody sent`)
  if (!worker.queues.includes(queue)) throw new Violation(1, `${name} was given ${key} of a queue it does not consume`)
  if (entry.place === 'scheduled' && !entry.isMature)
    throw new Violation(12, `${name} was given ${key} before its due time`)
  if (entry.place !== 'waiting' && entry.place !== 'scheduled')
    throw new Violation(
      3,
      `${name} was given ${key}, which is ${entry.place}${entry.owner ? ` by ${entry.owner.name}` : ''}`,
    )
  if (model.paused.has(queue)) throw new Violation(1, `${name} was given ${key} of a paused queue`)
  if (!(claim.token > entry.lastToken))
    throw new Violation(3, `${key} has token ${claim.token} after token ${entry.lastToken}`)
  const was = entry.history ?? { losses: 0, returns: 0, firstReturnedAt: undefined }
  const told = JSON.stringify([redelivered, losses, returns, firstReturnedAt ?? null])
  const expected = JSON.stringify([entry.history !== undefined, was.losses, was.returns, was.firstReturnedAt ?? null])
  if (told !== expected) throw new Violation(6, `${key} is delivered with ${told} of its history, not ${expected}`)
  if (message.body !== bodyOf(entry.id)) throw new Violation(2, `${key} is delivered with another body`)
  return entry
}

/** The body of every message says whose it is. */
export function bodyOf(id: string): string {
  return JSON.stringify([[id], {}, {}])
}

function checkOrder(places: readonly Entry[]): void {
  for (const [index, later] of places.entries())
    for (const earlier of places.slice(0, index))
      if (isBefore(later, earlier))
        throw new Violation(1, `${earlier.key} was delivered before ${later.key}, out of turn`)
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.queue === b.queue && mustPrecede(a, b)
}

/** It has to be delivered by now: what is scheduled only while the clock still shows that it is due. */
function isReady(entry: Entry, now: number): boolean {
  return entry.place === 'waiting' || entry.due! <= now
}
