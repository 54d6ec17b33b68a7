export default {
  description: 'deliveries lost with their worker count as retries',
  edits: [
    {
      file: 'lib/run/follow-ups.ts',
      find: 'retries: headers.retries + 1,',
      replace: 'retries: headers.retries + job.attempt,',
    },
  ],
}
