/**
 * The product's entry. The core is what takes longest to come, so it is on its way before anything
 * that shows it.
 */

import './style/index.css'
import { CoreOpening } from './deputy/core/opening'
import { keepPage } from './worker/register'

const opening = new CoreOpening()
void import('./page').then(({ show }) => {
  show(opening)
})
// It loads the whole page: not while the little that begins it is on its way.
void opening.settled.then(keepPage)
