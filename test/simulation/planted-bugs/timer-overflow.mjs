export default {
  description: 'waits beyond 2^31 ms are given to Node as they are',
  edits: [
    {
      file: 'lib/base/clock.ts',
      find: 'set(leftMs > longestTimerMs ? arm : fire, Math.max(0, Math.min(leftMs, longestTimerMs)), keepAlive)',
      replace: 'set(fire, Math.max(0, leftMs), keepAlive)',
    },
  ],
}
