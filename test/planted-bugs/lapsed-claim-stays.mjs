/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'in memory, a claim that was taken back stays valid beside the new one',
  stores: ['memory'],
  edits: [
    {
      file: 'lib/broker/memory/memory-messages.ts',
      find: `      this.#claims.delete(token)
`,
      replace: '',
    },
  ],
}
