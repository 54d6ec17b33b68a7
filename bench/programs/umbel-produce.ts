// Sends calls: node umbel-produce.mjs '<list of ProducerJob>'
import { appendFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { sharedTask, Umbel } from 'umbel'
import { monotonicMs, type Produced, type ProducerJob, roundTripWarmUp } from '../messages.ts'
import { job, listen, tell } from './channel.ts'
import { Measurement } from './measurement.ts'

const jobs = job<readonly ProducerJob[]>()
listen(() => {})
const app = new Umbel('bench', { logLevel: 'error' })
const add = sharedTask('bench.add', (x: number, y: number): number => x + y)
const waveSize = 1_000
/** So that handles of a million calls need not be held. */
const manyAtOnce = 50_000
/** No worker takes from it. */
const warmUpQueue = 'warm-up'

const warm = new Set<string>()
const produced: Produced[] = []
for (const one of jobs) produced.push(await produce(one))
await app.close()
tell({ kind: 'produced', produced })

async function produce(one: ProducerJob): Promise<Produced> {
  if (one.cold !== true && !warm.has(one.how)) await warmUp(one.how)
  warm.add(one.how)
  const latenciesMs: number[] = []
  const measurement = new Measurement()
  measurement.start()
  const startedAtMs = monotonicMs()
  const ids = await send(one, latenciesMs)
  const wallMs = monotonicMs() - startedAtMs
  const usage = measurement.end()
  if (one.idsFile !== undefined) appendFileSync(one.idsFile, ids.map((id) => `${id}\n`).join(''))
  return { ...usage, startedAtMs, wallMs, latenciesMs }
}

/** Opens the store and lets the compiler see the code. */
async function warmUp(how: ProducerJob['how']): Promise<void> {
  if (how === 'roundTrips') {
    for (let i = 1; i <= roundTripWarmUp; i++) await (await add.delay(-i, 1)).get()
    return
  }
  const options = { queue: warmUpQueue }
  if (how === 'many') await add.delayMany(calls(0, 2 * waveSize), options)
  else await Promise.all(numbers(0, waveSize).map((i) => add.applyAsync([i, 1], options)))
  await app.queue(warmUpQueue).purge()
}

async function send(one: ProducerJob, latenciesMs: number[]): Promise<string[]> {
  if (one.how === 'waves') return sendWaves(one)
  return one.how === 'many' ? sendMany(one) : sendSingly(one, latenciesMs)
}

async function sendWaves({ count, from = 0 }: ProducerJob): Promise<string[]> {
  const sent: string[] = []
  for (let done = 0; done < count; done += waveSize) {
    const wave = numbers(from + done, Math.min(waveSize, count - done))
    for (const { id } of await Promise.all(wave.map((i) => add.delay(i, 1)))) sent.push(id)
  }
  return sent
}

async function sendMany({ count, from = 0, parked = false }: ProducerJob): Promise<string[]> {
  const options = parked ? { countdown: 86_400 } : {}
  const sent: string[] = []
  for (let done = 0; done < count; done += manyAtOnce) {
    const some = calls(from + done, Math.min(manyAtOnce, count - done))
    for (const { id } of await add.delayMany(some, options)) sent.push(id)
  }
  return sent
}

async function sendSingly(
  { how, count, from = 0, pauseMs = 0 }: ProducerJob,
  latenciesMs: number[],
): Promise<string[]> {
  const sent: string[] = []
  for (let i = from; i < from + count; i++) {
    // Spread, so that it falls in step with nothing.
    if (pauseMs > 0) await pause(pauseMs * (0.5 + Math.random()))
    const beganAtMs = performance.now()
    const result = await add.delay(i, 1)
    if (how === 'roundTrips') await result.get()
    latenciesMs.push(performance.now() - beganAtMs)
    sent.push(result.id)
  }
  return sent
}

function* calls(first: number, many: number): Generator<[number, number]> {
  for (let i = first; i < first + many; i++) yield [i, 1]
}

function numbers(first: number, many: number): number[] {
  return Array.from({ length: many }, (_, index) => first + index)
}
