export default {
  description: 'endings are given up after three refusals, and their claims live on',
  edits: [
    {
      file: 'workers/request/settle.ts',
      find: 'if (error instanceof Closed || this',
      replace: 'if (failures > 2 || error instanceof Closed || this',
    },
  ],
}
