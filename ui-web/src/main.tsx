/** The product's entry. */

import { mount } from './mount'
import { Root, type Opening } from './Root'

/** A browser that has no link yet; the core's opening takes its place. */
const NO_LINK = { state: 'no_link' } as const
const opening: Opening = {
  state: () => NO_LINK,
  subscribe: () => () => undefined,
  pair: () => undefined,
  again: () => undefined,
  cancel: () => undefined,
}

mount(<Root opening={opening} />)
