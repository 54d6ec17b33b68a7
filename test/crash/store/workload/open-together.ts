// Opens new store files one after the other, each at a moment that others were told too: <folder> <how many> <ms since the epoch>.
import { openStoreFile } from '../../../../lib/driver/sqlite/open-store-file.ts'

const [folder, count, startAt] = process.argv.slice(2)
const everyMs = 25

for (let index = 0; index < Number(count); index++) {
  while (Date.now() < Number(startAt) + index * everyMs) {}
  open(`${folder}/${index}.db`)
}

function open(path: string): void {
  for (;;) {
    try {
      openStoreFile(path, { synchronous: 'normal', busyTimeoutMs: 50 }).close()
      return
    } catch (error) {
      // Locked just now is no refusal: the store asks again.
      if (!String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')) throw error
    }
  }
}
