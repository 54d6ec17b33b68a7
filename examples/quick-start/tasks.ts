import { sharedTask } from 'umbel'

export const add = sharedTask('math.add', (x: number, y: number) => x + y)

export const divide = sharedTask('math.divide', (x: number, y: number) => {
  if (y === 0) throw new RangeError('division by zero')
  return x / y
})
