import type { DeliveryHistory } from '../delivery-history.ts'
import { withMember } from './json-members.ts'

/** The envelope of a message that goes back to its queue: marked as kombu marks one that it restores, and with our own counts. */
export function markReturned(envelope: string, history: DeliveryHistory): string {
  const { losses, returns, firstReturnedAt } = history
  const counts = JSON.stringify({ losses, returns, first_returned_at: firstReturnedAt })
  let text = withMember(envelope, ['headers', 'redelivered'], 'true')
  text = withMember(text, ['properties', 'delivery_info', 'redelivered'], 'true')
  return withMember(text, ['properties', 'umbel'], counts)
}

/** The envelope as if its message had never been delivered. */
export function unmark(envelope: string): string {
  let text = withMember(envelope, ['headers', 'redelivered'], undefined)
  text = withMember(text, ['properties', 'delivery_info', 'redelivered'], undefined)
  return withMember(text, ['properties', 'umbel'], undefined)
}
