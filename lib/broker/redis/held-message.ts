import type { WireMessage } from '../../message/wire-message.ts'
import type { DeliveryHistory } from '../delivery-history.ts'

/** Who holds claims: a consumer. */
export interface ClaimHolder {
  /** The id under which it is known in Redis. */
  readonly owner: string
  /** One of its claims has ended, or turned out to be lost. */
  released(held: HeldMessage): void
  /** It can't use something that it was given. */
  gaveBack(): void
}

/** One claim of this process, without the message's body. */
export interface HeldMessage extends Pick<WireMessage, 'headers'> {
  readonly key: string
  readonly token: number
  readonly list: string
  readonly queue: string
  readonly holder: ClaimHolder
  /** Undefined while it was never delivered before, or is to be as if it weren't. */
  readonly history: DeliveryHistory | undefined
  /** Its size as it is kept. */
  readonly bytes: number
  /** Its delivery tag, where it stands among those that wait in the list before their time. */
  readonly aheadTag: string | undefined
}
