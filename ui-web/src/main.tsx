/** The product's entry. */

import { CoreOpening } from './deputy/core/opening'
import { mount } from './mount'
import { Root } from './Root'
import { keepPage } from './worker/register'

keepPage()
mount(<Root opening={new CoreOpening()} />)
