// Sends calls as a `ProducerJob` says: node umbel-produce.mjs '<job>'
import { writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { sharedTask, Umbel } from 'umbel'
import { monotonicMs, type ProducerJob } from '../messages.ts'
import { job, listen, tell } from './channel.ts'
import { Measurement } from './measurement.ts'

const { how, count, from = 0, parked = false, pauseMs = 0, idsFile } = job<ProducerJob>()
listen(() => {})
const app = new Umbel('bench', { logLevel: 'error' })
const add = sharedTask('bench.add', (x: number, y: number): number => x + y)
const waveSize = 1_000
/** So that handles of a million calls need not be held. */
const manyAtOnce = 50_000
const latenciesMs: number[] = []

// Opens the store and lets the compiler see the code, in a queue that no worker takes from.
const warmUp = { queue: 'warm-up' }
if (how === 'waves' || how === 'singles')
  await Promise.all(numbers(0, waveSize).map((i) => add.applyAsync([i, 1], warmUp)))
else if (how === 'many') await add.delayMany(calls(0, 2 * waveSize), warmUp)
else for (let i = 0; i < 200; i++) await (await add.delay(-1 - i, 1)).get()

const measurement = new Measurement()
measurement.start()
const startedAtMs = monotonicMs()
const ids = await send()
const wallMs = monotonicMs() - startedAtMs
const usage = measurement.end()
if (idsFile !== undefined) writeFileSync(idsFile, ids.map((id) => `${id}\n`).join(''), { flag: 'a' })
await app.close()
tell({ kind: 'produced', produced: { ...usage, count, startedAtMs, wallMs, latenciesMs } })

async function send(): Promise<string[]> {
  if (how === 'waves') return sendWaves()
  return how === 'many' ? sendMany() : sendSingly()
}

async function sendWaves(): Promise<string[]> {
  const sent: string[] = []
  for (let done = 0; done < count; done += waveSize) {
    const wave = numbers(from + done, Math.min(waveSize, count - done))
    for (const { id } of await Promise.all(wave.map((i) => add.delay(i, 1)))) sent.push(id)
  }
  return sent
}

async function sendMany(): Promise<string[]> {
  const options = parked ? { countdown: 86_400 } : {}
  const sent: string[] = []
  for (let done = 0; done < count; done += manyAtOnce) {
    const some = calls(from + done, Math.min(manyAtOnce, count - done))
    for (const { id } of await add.delayMany(some, options)) sent.push(id)
  }
  return sent
}

async function sendSingly(): Promise<string[]> {
  const sent: string[] = []
  for (let i = from; i < from + count; i++) {
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
