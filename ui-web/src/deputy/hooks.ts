/** React's side of the border: hooks over `Deputy`. */

import { createContext, useCallback, useContext, useEffect, useMemo, useSyncExternalStore } from 'react'
import type { AnswerOf, Command, CommandAsk, Deputy, Line, QuestionAsk, ViewState } from './deputy'
import { rightFor, type Ask } from './ask'

export const DeputyContext = createContext<Deputy | null>(null)

export function useDeputy(): Deputy {
  const deputy = useContext(DeputyContext)
  if (!deputy) throw new Error('no deputy is provided here')
  return deputy
}

/** What `look` finds, anew whenever anything changed. */
function useLook<T>(look: (deputy: Deputy) => T): T {
  const deputy = useDeputy()
  const subscribe = useCallback((listener: () => void) => deputy.subscribe(listener), [deputy])
  return useSyncExternalStore(subscribe, () => look(deputy))
}

/** How it stands with the agent. */
export function useLine(): Line {
  return useLook((deputy) => deputy.line())
}

/** An ask whose identity follows its content, so that callers may write it in place. */
function useStable<K extends Ask>(ask: K): K {
  const text = JSON.stringify(ask)
  // Parsed from the text so that the memo depends on nothing else.
  return useMemo(() => JSON.parse(text) as K, [text])
}

/** The answer to a question, kept fresh while the component is there. */
export function useView<K extends QuestionAsk>(ask: K): ViewState<AnswerOf<K>> {
  const deputy = useDeputy()
  const stable = useStable(ask)
  useEffect(() => deputy.watch(stable), [deputy, stable])
  return useLook((known) => known.view(stable))
}

/** All commands that are not forgotten, oldest first. */
export function useCommands(): Command[] {
  return useLook((deputy) => deputy.commands())
}

/** Whether this device may ask something. */
export function useMay(ask: Ask['ask']): boolean {
  return useDeputy().device().rights.includes(rightFor(ask))
}

/** The latest command whose ask matches, and how to give one. */
export function useCommand(match: (ask: Ask) => boolean): {
  command: Command | null
  give: (ask: CommandAsk) => string
} {
  const deputy = useDeputy()
  const commands = useCommands()
  const command = commands.findLast((one) => match(one.ask)) ?? null
  const give = useCallback((ask: CommandAsk) => deputy.command(ask), [deputy])
  return { command, give }
}

/** Whether a command has not been settled yet. */
export function isPending(command: Command | null): command is Command {
  return command?.state === 'waiting' || command?.state === 'sent'
}
