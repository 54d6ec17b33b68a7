import { assert } from 'chai'
import { MiddlewareChain } from '../../../lib/hook/middleware-chain.ts'

describe('MiddlewareChain', () => {
  it('enters in the order of use, leaves in reverse, and gives the innermost result', async () => {
    const chain = new MiddlewareChain<string>()
    const steps: string[] = []
    for (const name of ['outer', 'inner'])
      chain.use(async (task, next) => {
        steps.push(`${name} in ${task}`)
        await next()
        steps.push(`${name} out`)
      })

    const result = await chain.run('t', () => {
      steps.push('task')
      return 42
    })

    assert.equal(result, 42)
    assert.deepEqual(steps, ['outer in t', 'inner in t', 'task', 'inner out', 'outer out'])
  })

  it('lets a middleware replace the result, and answer without running the task', async () => {
    const replacing = new MiddlewareChain<string>()
    replacing.use(async (_task, next) => ((await next()) as number) + 1)
    const answering = new MiddlewareChain<string>()
    answering.use(() => 'from the cache')

    assert.equal(await replacing.run('t', () => 41), 42)
    assert.equal(await answering.run('t', () => assert.fail('the task ran')), 'from the cache')
  })

  it('rejects with the error of the task, and of a middleware', async () => {
    const chain = new MiddlewareChain<string>()
    const seen: unknown[] = []
    chain.use(async (_task, next) => {
      try {
        return await next()
      } catch (error) {
        seen.push(error)
        throw new Error('wrapped', { cause: error })
      }
    })
    const boom = new Error('boom')

    const error = await chain.run('t', () => Promise.reject(boom)).catch((reason: Error) => reason)

    assert.equal((error as Error).message, 'wrapped')
    assert.deepEqual(seen, [boom])
  })

  it('refuses a second next()', async () => {
    const chain = new MiddlewareChain<string>()
    let runs = 0
    chain.use(async (_task, next) => {
      await next()
      await next()
    })

    const error = await chain.run('t', () => runs++).catch((reason: Error) => reason)

    assert.match((error as Error).message, /next\(\) twice/)
    assert.equal(runs, 1)
  })

  it('leaves out a middleware that was disposed of', async () => {
    const chain = new MiddlewareChain<string>()
    const added = chain.use(() => 'replaced')
    added[Symbol.dispose]()

    assert.isTrue(chain.isEmpty)
    assert.equal(await chain.run('t', () => 'own'), 'own')
  })
})
