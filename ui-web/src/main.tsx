/** The product's entry. */

import { CoreOpening } from './deputy/core/opening'
import { mount } from './mount'
import { Root } from './Root'

mount(<Root opening={new CoreOpening()} />)
