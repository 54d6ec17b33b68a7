/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'in memory, of messages published together those before a refused one stay',
  stores: ['memory'],
  edits: [
    {
      file: 'lib/broker/memory/memory-broker.ts',
      find: 'this.#messages.add(this.#messages.place(messages))',
      replace: 'for (const one of messages) this.#messages.add(this.#messages.place([one]))',
    },
  ],
}
