/** @type {import('./planted-bug.ts').PlantedBug} */
export default {
  description: 'a message that kills its workers is tried once more than the setting says',
  stores: ['memory'],
  edits: [
    {
      file: 'workers/request/admit.ts',
      find: 'losses > limits.maxDeliveries',
      replace: 'losses > limits.maxDeliveries + 1',
    },
  ],
}
