/** The page behind the entry: everything that is needed for the place where most begin, in one file. */

import { mount } from './mount'
import { Root, type Opening } from './Root'

export function show(opening: Opening) {
  mount(<Root opening={opening} />)
}
