/**
 * Shows toasts, and makes one of each item that opens and each command that was refused. Forgets
 * commands that were applied.
 */

import { useCallback, useEffect, useRef, useState, type ReactNode } from 'react'
import { X } from 'lucide-react'
import { Link } from 'wouter'
import { useCommands, useDeputy } from '../deputy/hooks'
import { Button } from '../parts/Button'
import { text } from '../words/json'
import { ToastContext, type Say, type Toast } from './toasts'

/** The places where an item that opens is seen without news of it. */
const SHOWS_ITEMS = /^\/(needs|chat)(\/|$)/

const LASTS_MS = 7_000
const TIDY_MS = 10_000

export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([])
  const next = useRef(1)
  const drop = useCallback((id: number) => setToasts((all) => all.filter((one) => one.id !== id)), [])
  const say = useCallback<Say>(
    (toast) => {
      const id = next.current++
      // Never more than two, and one of a thing: older ones are still where they lead to.
      setToasts((all) => {
        const others = all.filter((one) => toast.to === undefined || one.to !== toast.to)
        return [...others.slice(-1), { ...toast, id }]
      })
      setTimeout(drop, LASTS_MS, id)
    },
    [drop],
  )
  const settle = useCallback((to: string) => setToasts((all) => all.filter((one) => one.to !== to)), [])
  useNews(say, settle)
  return (
    <ToastContext value={say}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {toasts.map((toast) => (
          <div key={toast.id} className={`toast tone-${toast.tone}`}>
            <p className="wrap">{toast.text}</p>
            {toast.to !== undefined && (
              <Link to={toast.to} onClick={() => drop(toast.id)}>
                Show
              </Link>
            )}
            <Button isSmall weight="quiet" icon={X} aria-label="Dismiss" onPress={() => drop(toast.id)} />
          </div>
        ))}
      </div>
    </ToastContext>
  )
}

function useNews(say: Say, settle: (to: string) => void) {
  const deputy = useDeputy()
  useEffect(
    () =>
      deputy.onEvent((event) => {
        const to = `/needs/${text(event.data, 'need')}`
        if (event.kind === 'need_answered') settle(to)
        // Where items are shown anyway, news of one would only cover it.
        if (event.kind !== 'need_opened' || SHOWS_ITEMS.test(location.pathname)) return
        say({ text: text(event.data, 'title'), tone: 'calm', to })
      }),
    [deputy, say, settle],
  )
  const commands = useCommands()
  const told = useRef(new Set<string>())
  useEffect(() => {
    for (const command of commands) {
      const isSettled = command.state === 'refused' || command.state === 'applied'
      if (!isSettled || told.current.has(command.id)) continue
      told.current.add(command.id)
      if (command.state === 'applied') {
        // What it led to shows itself by then.
        setTimeout(() => deputy.forget(command.id), TIDY_MS)
        continue
      }
      // What was said in the chat answers there.
      if (command.ask.ask !== 'say') say({ text: command.error.message, tone: 'bad' })
    }
  }, [commands, deputy, say])
}
