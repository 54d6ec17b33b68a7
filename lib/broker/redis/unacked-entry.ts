import type { WireMessage } from '../../message/wire-message.ts'
import type { DeadLetterReason } from '../broker.ts'
import { namesOf } from '../envelope.ts'

/*
 * The values of `unacked`: `[envelope, exchange, routing key]`. Ours are made by putting text around an envelope, so that taking it off
 * again gives what was in the list, byte for byte. They name the default exchange and the queue: kombu restores to there.
 */

/** What stands behind the envelope. Before it stands one bracket. */
export function closingOf(queue: string): string {
  return `, "", ${JSON.stringify(queue)}]`
}

/** How many bytes {@link closingOf} has. */
export function tailOf(queue: string): number {
  return Buffer.byteLength(closingOf(queue))
}

/** The envelope of an entry of ours. */
export function envelopeOf(entry: Uint8Array, queue: string): Uint8Array {
  return entry.subarray(1, entry.byteLength - tailOf(queue))
}

/** What is known about a dead letter. */
export interface AboutLetter {
  readonly queue: string
  readonly list: string
  readonly reason: DeadLetterReason
  readonly detail: string
}

/** As JSON, with the names that the message says, where there is one. */
export function aboutText(about: AboutLetter, message: Pick<WireMessage, 'headers'> | undefined): string {
  return JSON.stringify({ ...about, ...namesOf(message) })
}
