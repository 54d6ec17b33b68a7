import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultMessageLimits } from '../../lib/message/message-limits.ts'
import type { ReadPolicy } from '../../lib/message/read-message.ts'
import { Serializers } from '../../lib/message/serializer.ts'
import type { WireMessage } from '../../lib/message/wire-message.ts'

/** The two Celery versions that messages were captured from. */
export const celeryVersions = ['5.2.6', 'main'] as const

/** One fixture file: captures of a live Python Celery. */
export function fixture(name: string): any {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures', `${name}.json`), 'utf8'))
}

export interface CapturedMessage {
  readonly name: string
  /** What LRANGE gave: the kombu envelope. */
  readonly raw: string
  readonly envelope: any
  readonly wire: WireMessage
  /** The body after decompression, as text, where it is text. */
  readonly bodyText: string | undefined
}

/** Every message that a client of this version sent to Redis. */
export function capturedMessages(version: (typeof celeryVersions)[number]): CapturedMessage[] {
  return fixture(`redis-messages-${version}`).cases.flatMap((sent: any) =>
    (sent.messages ?? []).map((message: any, index: number): CapturedMessage => {
      const envelope = JSON.parse(message.raw)
      const name = sent.messages.length === 1 ? sent.case : `${sent.case} (${index + 1})`
      return { name, raw: message.raw, envelope, wire: wireOf(envelope), bodyText: message.body_text }
    }),
  )
}

/** A kombu envelope as a Redis broker would hand it over, whatever is missing in it. */
export function wireOf(envelope: any): WireMessage {
  const isEncoded = envelope.properties?.body_encoding === 'base64' && typeof envelope.body === 'string'
  return {
    headers: envelope.headers,
    properties: { correlationId: envelope.properties?.correlation_id, replyTo: envelope.properties?.reply_to },
    contentType: envelope['content-type'],
    contentEncoding: envelope['content-encoding'],
    body: isEncoded ? Buffer.from(envelope.body, 'base64') : envelope.body,
  }
}

/** JSON and MessagePack accepted, default limits. */
export async function readPolicy(
  options: { typedValues?: 'kombu' | 'plain'; accept?: string[] } = {},
): Promise<ReadPolicy> {
  const { typedValues = 'kombu', accept = ['json', 'msgpack'] } = options
  const serializers = new Serializers({ typedValues, accept, maxDepth: defaultMessageLimits.maxDepth })
  await serializers.loadAccepted()
  return { serializers, limits: defaultMessageLimits }
}
