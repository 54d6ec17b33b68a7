import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder of its own for a store file; removed by `remove()`. */
export function storeFolder(): { readonly folder: string; readonly path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'store-'))
  return { folder, path: join(folder, 'umbel.db'), remove: () => rmSync(folder, { recursive: true, force: true }) }
}
