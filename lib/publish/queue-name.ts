const maxBytes = 255

/**
 * What is wrong with a name of a queue or an exchange, or with a routing key; undefined when nothing is. A phrase that follows "must be".
 * Names go into keys of stores and onto terminals as they are, and AMQP has one byte for their length.
 */
export function queueNameProblem(name: unknown): string | undefined {
  if (typeof name !== 'string' || name === '') return 'a text that is not empty'
  if (Buffer.byteLength(name) > maxBytes) return `at most ${maxBytes} bytes long`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to refuse
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(name)) return 'free of control characters'
  // A lone surrogate has no UTF-8 form: two such names would meet in one queue.
  return /\p{Surrogate}/u.test(name) ? 'well-formed Unicode' : undefined
}
