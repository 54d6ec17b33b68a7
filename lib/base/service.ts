/** Anything with a lifetime. `stop()` may be called before `start()`, and twice; `start()` after `stop()` need not work. */
export interface Service {
  start(): Promise<void>
  stop(): Promise<void>
}
