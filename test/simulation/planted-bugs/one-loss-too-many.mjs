export default {
  description: 'a message costs one worker more than maxDeliveries',
  edits: [
    {
      file: 'workers/request/admit.ts',
      find: 'if (losses > limits.maxDeliveries) return',
      replace: 'if (losses > limits.maxDeliveries + 1) return',
    },
  ],
}
