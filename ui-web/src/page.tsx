/** The page behind the entry: everything that is needed for the place where most begin, in one file. */

import { mount } from './mount'
import { Root, type Opening } from './Root'

/** Shows how it stands with an opening, as soon as that has come to something. */
export function show(opening: Opening) {
  const begin = () => mount(<Root opening={opening} />)
  if (opening.state().state !== 'connecting') {
    begin()
    return
  }
  const stop = opening.subscribe(() => {
    stop()
    begin()
  })
}
