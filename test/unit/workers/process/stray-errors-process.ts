import { AsyncLocalStorage } from 'node:async_hooks'
import { silentLogger } from '../../../../lib/base/logger.ts'
import { surviveStrayErrors } from '../../../../workers/process/stray-errors.ts'

// Makes errors that nobody handles, inside and outside "tasks", and prints what is told of them as JSON lines; ends by itself.

const running = new AsyncLocalStorage<{ id: string; task: string }>()
const told: { message: string; error: string; id?: string }[] = []
const surviving = surviveStrayErrors({
  owner: () => running.getStore(),
  logger: {
    ...silentLogger,
    error(fields, message) {
      const { err, id } = fields as { err: unknown; id?: string }
      told.push({
        message: message!,
        error: err instanceof Error ? err.message : String(err),
        ...(id !== undefined && { id }),
      })
      if (told.length === 5) finish()
    },
  },
})

running.run({ id: 'id-1', task: 'a' }, () => {
  void Promise.reject(new Error('rejected in a'))
  setImmediate(() => {
    throw new Error('thrown in a')
  })
})
running.run({ id: 'id-2', task: 'b' }, () => {
  void (async () => {
    await Promise.resolve()
    throw 'a text thrown in b'
  })()
})
void Promise.reject(new Error('rejected outside'))
process.stdout.emit('error', new Error('EPIPE'))
setImmediate(() => {
  throw new Error('thrown outside')
})

function finish(): void {
  surviving[Symbol.dispose]()
  process.stdout.write(JSON.stringify(told.sort((x, y) => (x.error < y.error ? -1 : 1))))
}
