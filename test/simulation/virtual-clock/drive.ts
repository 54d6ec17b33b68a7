import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { Random } from './random.ts'

/** What the code under simulation asked the real world for; nothing, if everything it uses is injected. */
export interface Driven {
  /** Calls of a real timer. */
  readonly escapes: readonly string[]
  /** Puts the real world back. */
  restore(): void
}

/**
 * For the time of a run: the system's wall clock, dice and UUIDs follow the seed, and timers of the real world are noted as escapes.
 * What is left between two virtual timers is promises alone.
 */
export function driveGlobals(seed: string, now: () => number): Driven {
  const random = new Random(`${seed} globals`)
  const escapes: string[] = []
  const real = { now: Date.now, random: Math.random, uuid: crypto.randomUUID }
  const timers = { setTimeout: globalThis.setTimeout, setInterval: globalThis.setInterval, setImmediate }
  Date.now = now
  Math.random = () => random.next()
  crypto.randomUUID = () => uuidOf(random)
  syncBuiltinESMExports()
  const refuse = (name: string) => (): never => {
    const error = new Error(`${name} was called: real time in a simulated world`)
    escapes.push(error.stack ?? error.message)
    throw error
  }
  Object.assign(globalThis, {
    setTimeout: refuse('setTimeout'),
    setInterval: refuse('setInterval'),
    setImmediate: refuse('setImmediate'),
  })
  return {
    escapes,
    restore() {
      Date.now = real.now
      Math.random = real.random
      crypto.randomUUID = real.uuid
      syncBuiltinESMExports()
      Object.assign(globalThis, timers)
    },
  }
}

function uuidOf(random: Random): ReturnType<typeof crypto.randomUUID> {
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => Math.floor(random.next() * 16).toString(16)).join('')
  return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`
}
