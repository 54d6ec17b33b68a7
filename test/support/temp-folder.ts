import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Temporary folders of one suite: call in the body of a `describe`; each call of what it returns makes a new one. All are removed
 * after each test, or after the suite with `keepFor: 'suite'`.
 */
export function useTempFolders(options: { keepFor?: 'test' | 'suite' } = {}): (name?: string) => string {
  const made: string[] = []
  const removeAll = (): void => {
    for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  if (options.keepFor === 'suite') after(removeAll)
  else afterEach(removeAll)
  return (name = 'umbel') => {
    const folder = mkdtempSync(join(realpathSync(tmpdir()), `${name}-`))
    made.push(folder)
    return folder
  }
}
