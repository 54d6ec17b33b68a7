/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'in memory, one timer waits for the next due time, however far away',
  stores: ['memory'],
  edits: [
    {
      file: 'lib/broker/memory/memory-broker.ts',
      find: 'Math.min(Math.max(0, due - this.#clock.now()), 60_000)',
      replace: 'Math.max(0, due - this.#clock.now())',
    },
  ],
}
