export default {
  description: 'a worker holds more than its multiplier allows',
  edits: [
    {
      file: 'workers/consume/prefetch.ts',
      find: 'concurrency * Math.max(1, multiplier)',
      replace: 'concurrency * (multiplier + 1)',
    },
  ],
}
