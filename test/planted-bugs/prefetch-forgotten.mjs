/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'a worker claims without counting what it already holds',
  stores: ['sqlite'],
  edits: [
    {
      file: 'lib/broker/sqlite/sqlite-consumer.ts',
      find: 'this.#prefetch - this.#unsettled + settled',
      replace: 'this.#prefetch + settled',
    },
  ],
}
