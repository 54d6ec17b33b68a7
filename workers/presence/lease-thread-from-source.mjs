// Only for running from source on Node 20, whose threads don't take part in the loader that `--import tsx` gave the main thread.
import { register } from 'tsx/esm/api'

register()
await import('./lease-thread.ts')
