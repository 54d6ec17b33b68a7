export default {
  description: 'the timers of a stop go on after it',
  edits: [
    {
      file: 'workers/worker.ts',
      find: 'for (const cancel of this.#cancelTimers) cancel()',
      replace: 'void this.#cancelTimers',
    },
  ],
}
