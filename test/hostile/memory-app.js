// The app of memory.test.ts, run by the built command.
import { Umbel } from 'umbel'

export const app = new Umbel('memory', { broker: process.env.BROKER, unknownTaskLimit: '0s' })

app.task({ name: 'hostile.echo', params: ['*args', '**kwargs'] }, () => null)
app.task({ name: 'hostile.takesOne', params: ['one?'] }, () => null)
app.task('hostile.neighbour', (n) => n)
