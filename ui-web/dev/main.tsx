/**
 * The entry while developing: the page over the dev adapter. `/first-run/STATE` shows a screen of
 * pairing; `window.dev.away(true)` plays a broken line.
 */

import '../src/style/index.css'
import { App } from '../src/App'
import { mount } from '../src/mount'
import { FirstRun, type FirstRunState } from '../src/surfaces/pairing/FirstRun'
import { DevDeputy } from './adapter'

const SCREENS: Record<string, FirstRunState> = {
  no_link: { state: 'no_link' },
  connecting: { state: 'connecting' },
  compare: { state: 'compare', phrase: 'maple anchor winter teapot' },
  failed: { state: 'failed', message: 'The link has been used already, or its time is over.' },
  not_known: { state: 'not_known' },
  other_version: { state: 'other_version' },
}

const screen = SCREENS[/^\/first-run\/(\w+)/.exec(location.pathname)?.[1] ?? '']
if (screen) {
  const nothing = () => undefined
  mount(<FirstRun state={screen} onPair={nothing} onAgain={nothing} onCancel={nothing} />)
} else {
  const dev = new DevDeputy()
  Object.assign(window, { dev })
  mount(<App deputy={dev} />)
}
