/** The page for a paired device: its frame, its routes, and what is there on every surface. */

import { lazy, Suspense, useCallback, useEffect, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { Redirect, Route, Router, Switch, useLocation, type AroundNavHandler } from 'wouter'
import type { Deputy } from './deputy/deputy'
import { DeputyContext, useLine, useView } from './deputy/hooks'
import { Skeleton } from './parts/Shown'
import { Keeping } from './push/Keeping'
import { FirstRun } from './surfaces/pairing/FirstRun'
import { LineMark, LineStrip } from './shell/LineMark'
import { Sidebar, TabBar } from './shell/Nav'
import { useShortcuts } from './shell/shortcuts'
import { Toasts } from './shell/Toasts'
import { ChatPage } from './surfaces/chat/ChatPage'
import { NeedsPage } from './surfaces/needs/NeedsPage'

const NeedPage = lazy(() => import('./surfaces/needs/NeedPage'))
const AutomationsPage = lazy(() => import('./surfaces/automations/AutomationsPage'))
const AutomationPage = lazy(() => import('./surfaces/automations/AutomationPage'))
const InputPage = lazy(() => import('./surfaces/automations/InputPage'))
const ProposalPage = lazy(() => import('./surfaces/chat/ProposalPage'))
const RunsPage = lazy(() => import('./surfaces/runs/RunsPage'))
const RunPage = lazy(() => import('./surfaces/runs/RunPage'))
const CostsPage = lazy(() => import('./surfaces/costs/CostsPage'))
const ConnectionsPage = lazy(() => import('./surfaces/machines/ConnectionsPage'))
const DevicesPage = lazy(() => import('./surfaces/machines/DevicesPage'))
const SettingsPage = lazy(() => import('./surfaces/settings/SettingsPage'))
const MorePage = lazy(() => import('./surfaces/settings/MorePage'))
const NotFoundPage = lazy(() => import('./surfaces/settings/NotFoundPage'))
const Palette = lazy(() => import('./shell/Palette').then((module) => ({ default: module.Palette })))

/** Navigates inside a view transition where the browser has them. */
const withTransition: AroundNavHandler = (navigate, to, options) => {
  if (!('startViewTransition' in document) || matchMedia('(prefers-reduced-motion: reduce)').matches) {
    navigate(to, options)
    return
  }
  const transition = document.startViewTransition(() => flushSync(() => navigate(to, options)))
  // Who is quicker than the transition skips it; that is not an error.
  transition.ready.catch(() => undefined)
}

export function App({ deputy }: { deputy: Deputy }) {
  return (
    <DeputyContext value={deputy}>
      <Router aroundNav={withTransition}>
        <Frame />
      </Router>
    </DeputyContext>
  )
}

function Frame() {
  const line = useLine()
  const [path, go] = useLocation()
  const [isPalette, setPalette] = useState(false)
  const openPalette = useCallback(() => setPalette(true), [])
  const main = useRef<HTMLElement>(null)
  useShortcuts(go, openPalette)
  useEffect(() => {
    // A new place is read from its top, by eye and by ear.
    scrollTo(0, 0)
    main.current?.focus({ preventScroll: true })
  }, [path])
  if (line.state === 'not_known' || line.state === 'other_version') {
    return <FirstRun state={{ state: line.state }} />
  }
  return (
    <Toasts>
      <Keeping />
      <a href="#main" className="skip-link">
        Skip to content
      </a>
      <div className="frame">
        <Sidebar onSearch={openPalette} />
        <div className="frame-main">
          <div className="top-line">
            <LineMark />
          </div>
          <LineStrip />
          <main id="main" ref={main} tabIndex={-1}>
            <Suspense fallback={<Skeleton rows={5} />}>
              <Places />
            </Suspense>
          </main>
        </div>
        <TabBar />
      </div>
      {isPalette && (
        <Suspense>
          <Palette onClose={() => setPalette(false)} />
        </Suspense>
      )}
    </Toasts>
  )
}

function Places() {
  return (
    <Switch>
      <Route path="/" component={Start} />
      <Route path="/needs" component={NeedsPage} />
      <Route path="/needs/:item">{({ item }) => <NeedPage key={item} item={item} />}</Route>
      <Route path="/chat" component={ChatPage} />
      <Route path="/proposals/:proposal">
        {({ proposal }) => <ProposalPage key={proposal} proposal={proposal} />}
      </Route>
      <Route path="/automations" component={AutomationsPage} />
      <Route path="/automations/:automation/:part?">
        {({ automation, part }) => (
          <AutomationPage key={automation} automation={automation} part={part ?? 'overview'} />
        )}
      </Route>
      <Route path="/inputs/:input">{({ input }) => <InputPage key={input} input={input} />}</Route>
      <Route path="/runs" component={RunsPage} />
      <Route path="/runs/:run">{({ run }) => <RunPage key={run} run={run} />}</Route>
      <Route path="/costs" component={CostsPage} />
      <Route path="/connections" component={ConnectionsPage} />
      <Route path="/devices" component={DevicesPage} />
      <Route path="/settings" component={SettingsPage} />
      <Route path="/more" component={MorePage} />
      <Route component={NotFoundPage} />
    </Switch>
  )
}

/** What needs you, when anything does; else the chat. */
function Start() {
  const status = useView({ ask: 'status' })
  if (!status.answer && !status.trouble) return <Skeleton rows={3} />
  return <Redirect to={status.answer && status.answer.needs_open > 0 ? '/needs' : '/chat'} replace />
}
