import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { needDebianPackage } from './debian-packages.ts'

const folders = ['/usr/lib', '/usr/local/lib']

/** Where libfaketime lies; undefined when it is not installed. */
function findLibrary(): string | undefined {
  for (const folder of folders.filter(existsSync)) {
    const nested = readdirSync(folder).map((name) => join(folder, name))
    for (const one of [folder, ...nested]) {
      const file = join(one, 'faketime', 'libfaketime.so.1')
      if (existsSync(file)) return file
    }
  }
  return undefined
}

/** Skips (or fails where CI is set) when there is no libfaketime. */
export const needFakeTime = needDebianPackage({ name: 'libfaketime', isThere: () => findLibrary() !== undefined })

/** The wall clock of processes that are started with its environment. Their timers and the monotonic clock stay true. */
export class WallClock {
  readonly #file: string
  #offsetMs = 0

  /** @param folder where it keeps its file */
  constructor(folder: string, name = 'clock') {
    this.#file = join(folder, `${name}.faketime`)
    this.set(0)
  }

  /** For the processes to live by it. */
  get env(): Readonly<Record<string, string>> {
    const library = findLibrary()
    if (library === undefined) throw new Error('libfaketime is not installed; call needFakeTime(this) first.')
    return {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      DONT_FAKE_MONOTONIC: '1',
    }
  }

  get offsetMs(): number {
    return this.#offsetMs
  }

  /** Sets it so much ahead of the true time, or behind; counts at once, in running processes too. */
  set(offsetMs: number): void {
    this.#offsetMs = offsetMs
    const seconds = offsetMs / 1_000
    writeFileSync(this.#file, `${seconds < 0 ? '' : '+'}${seconds}s\n`)
  }
}
