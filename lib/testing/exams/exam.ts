import { systemClock } from '../../base/clock.ts'

/**
 * One question of an exam: a behaviour that every implementation of a contract has. Free of any test runner; in mocha, vitest or
 * node:test: `for (const item of brokerExam) it(item.name, () => item.run(make))`.
 */
export interface ExamItem<T> {
  readonly name: string
  /** Makes a fresh candidate, examines it and stops it. Rejects with what is wrong. */
  run(make: () => Promise<T>): Promise<void>
}

/** An item whose candidate is stopped whatever happens. */
export function examItem<T extends { stop(): Promise<void> }>(
  name: string,
  examine: (candidate: T) => Promise<void>,
): ExamItem<T> {
  return {
    name,
    async run(make) {
      const candidate = await make()
      try {
        await examine(candidate)
      } finally {
        await candidate.stop()
      }
    },
  }
}

/** How long anything may take that needs no time to pass. */
const patienceMs = 10_000

/** The promise's value, or an error that names what was waited for. */
export function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = systemClock.timer(
      patienceMs,
      () => reject(new Error(`Waited ${patienceMs / 1000} s for ${what}, in vain.`)),
      { keepAlive: true },
    )
    promise.then(resolve, reject).finally(cancel)
  })
}

/** Asks again and again, a moment apart, until the answer is yes. */
export async function untilTrue(what: string, ask: () => boolean | Promise<boolean>): Promise<void> {
  let isGivenUp = false
  const asking = async (): Promise<void> => {
    while (!isGivenUp && !(await ask())) await systemClock.sleep(2)
  }
  try {
    await soon(what, asking())
  } finally {
    isGivenUp = true
  }
}
