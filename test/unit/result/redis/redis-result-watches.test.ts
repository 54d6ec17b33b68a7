import { assert } from 'chai'
import type { RedisServer } from '../../../../lib/driver/redis/redis-server.ts'
import { RedisResultWatches } from '../../../../lib/result/redis/redis-result-watches.ts'
import { ResultKeys } from '../../../../lib/result/redis/result-keys.ts'
import type { Fetched } from '../../../../lib/result/result-backend.ts'

interface Listener {
  onReady(generation: number): void
  onMessage(payload: Buffer): void
}

/** Watches over a server whose two connections answer when the test says so. */
function stage() {
  let listener: Listener | undefined
  let found: Fetched = { kind: 'absent' }
  const server = {
    subscribe: (_channel: string, handler: Listener) => {
      listener = handler
      return () => {}
    },
  } as unknown as RedisServer
  const watches = new RedisResultWatches(server, new ResultKeys(''), async (ids) => ids.map(() => found))
  const seen: unknown[] = []
  watches.add('t', (one) => seen.push(one.kind === 'record' ? one.record.state : one.kind))
  const document = (state: string): string => JSON.stringify({ status: state, result: null, task_id: 't' })
  return {
    seen,
    stored(state: string): void {
      found = {
        kind: 'record',
        record: { id: 't', state, document: document(state), contentType: 'application/json' },
      }
    },
    async ready(): Promise<void> {
      listener!.onReady(1)
      await turns()
    },
    async hear(state: string): Promise<void> {
      listener!.onMessage(Buffer.from(document(state)))
      await turns()
    },
  }
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('watches of results on Redis', () => {
  it('tell each state once, and none that is older than one that was looked up', async () => {
    const { seen, stored, ready, hear } = stage()
    stored('ONE')

    // The connection for commands is faster here than the one for messages.
    await ready()
    await hear('STARTED')
    await hear('ONE')
    stored('TWO')
    await hear('TWO')
    stored('SUCCESS')
    await hear('SUCCESS')

    assert.deepEqual(seen, ['ONE', 'TWO', 'SUCCESS'])
  })

  it('go on where the publication of what was looked up is never heard', async () => {
    const { seen, stored, ready, hear } = stage()
    stored('ONE')

    await ready()
    stored('TWO')
    await hear('TWO')
    stored('THREE')
    await hear('THREE')
    await hear('SUCCESS')

    assert.deepEqual(seen, ['ONE', 'TWO', 'THREE', 'SUCCESS'])
  })
})
