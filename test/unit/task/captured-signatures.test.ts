import { readFileSync } from 'node:fs'
import { assert } from 'chai'
import { signatureFromWire } from '../../../lib/canvas/signature.ts'
import { sharedTask } from '../../../lib/task/shared-task.ts'
import { currentFakeApp, isolateTasks } from './support/fake-app.ts'

interface Captured {
  readonly case: string
  readonly messages?: readonly { readonly body?: unknown }[]
}

const sender = { send: async () => undefined }

for (const version of ['main', '5.2.6']) {
  const url = new URL(`../../wire/fixtures/redis-messages-${version}.json`, import.meta.url)
  const { cases } = JSON.parse(readFileSync(url, 'utf8')) as { cases: readonly Captured[] }
  const bodyOf = (name: string) => cases.find((captured) => captured.case === name)!.messages![0]!.body as unknown[]

  describe(`signatures as Celery ${version} writes them`, () => {
    isolateTasks()

    it('come back as they were', () => {
      const found = cases.flatMap(({ messages = [] }) => messages.flatMap(({ body }) => signaturesIn(body)))

      assert.isAbove(found.length, 30)
      for (const data of found) assert.equal(JSON.stringify(signatureFromWire(data, sender)), JSON.stringify(data))
    })

    it('are what our links look like', async () => {
      const app = currentFakeApp()
      const add = sharedTask('cap.add', (x: number, y: number) => x + y)
      const mul = sharedTask('cap.mul', (x: number, y: number) => x * y)
      const errback = sharedTask('cap.errback', (id: string, context: string) => id + context)

      await add.applyAsync([1, 2], { link: mul.s(10), linkError: errback.s('ctx') })

      const { args, kwargs, embed } = app.lastCall
      const ours = [args, kwargs, { ...embed, chain: null, chord: null }]
      assert.equal(JSON.stringify(ours), JSON.stringify(bodyOf('link')))
    })
  })
}

/** Everything in a value that has a signature's shape, inner ones included. */
function signaturesIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return []
  const inner = Object.values(value).flatMap(signaturesIn)
  return 'task' in value && 'subtask_type' in value ? [value, ...inner] : inner
}
