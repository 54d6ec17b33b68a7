/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'a worker that starts after a revoke runs the task',
  stores: ['sqlite'],
  edits: [
    {
      file: 'workers/presence/revoked-tasks.ts',
      find: 'for (const { member, score } of remembered) this.#add(member, score)',
      replace: '',
    },
  ],
}
