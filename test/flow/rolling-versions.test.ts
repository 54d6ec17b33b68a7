import { assert } from 'chai'
import { story } from '../support/flow.ts'

story('two versions of the code at once', (flow) => {
  it('run each other’s calls while the new one brings a parameter with a default', async () => {
    const [before, after] = [flow.app(), flow.app()]
    const oldPrice = before.task({ name: 'price', params: ['item'] }, (item: string) => `${item}: 10`)
    const newPrice = after.task(
      { name: 'price', params: ['item', 'currency?'] },
      (item: string, currency = 'EUR') => `${item}: 10 ${currency}`,
    )
    const oldWorker = await flow.worker(before)

    const byOld = await oldPrice.delay('tea')
    assert.equal(await byOld.get({ timeout: '10s' }), 'tea: 10')
    await flow.worker(after)
    await flow.stop(oldWorker)

    assert.equal(await (await oldPrice.delay('milk')).get({ timeout: '10s' }), 'milk: 10 EUR')
    assert.equal(await (await newPrice.delay('salt', 'SEK')).get({ timeout: '10s' }), 'salt: 10 SEK')
  })

  it('finish every call that was under way when the workers were replaced one by one', async () => {
    const app = flow.app()
    const runs = new Map<number, number>()
    const work = app.task('work', async (n: number) => {
      runs.set(n, (runs.get(n) ?? 0) + 1)
      await new Promise((resolve) => setImmediate(resolve))
      return n
    })
    let worker = await flow.worker(app, { concurrency: 5 })
    const results = await work.delayMany(Array.from({ length: 300 }, (_, n): [number] => [n]))

    for (let turn = 0; turn < 3; turn++) {
      const next = await flow.worker(app, { concurrency: 5 })
      await flow.stop(worker)
      worker = next
    }
    const values = await Promise.all(results.map((result) => result.get({ timeout: '20s' })))

    assert.deepEqual(
      values,
      Array.from({ length: 300 }, (_, n) => n),
    )
    assert.deepEqual(
      [...runs.values()].filter((times) => times !== 1),
      [],
      'a warm stop repeats nothing',
    )
  })
})
