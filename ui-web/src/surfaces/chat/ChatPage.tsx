/** The conversation: words in, proposals and news out. */

import { useEffect, useRef, useState } from 'react'
import { MessageSquareText } from 'lucide-react'
import { Link, useLocation, useSearch } from 'wouter'
import { useView } from '../../deputy/hooks'
import type { ChatEvent } from '../../deputy/types'
import { Ago } from '../../parts/Ago'
import { Button } from '../../parts/Button'
import { useKept } from '../../parts/kept'
import { useNow } from '../../parts/now'
import { Page } from '../../parts/Page'
import { Picker } from '../../parts/PickerSoon'
import { Blank, Shown } from '../../parts/Shown'
import { day } from '../../words/time'
import { Composer } from './Composer'
import { ChatLine } from './kinds'
import { Said } from './Said'

const PAGE = 60
const EXAMPLES = [
  'Remind me every weekday at 9 to stand up',
  'Tell me when the feed at https://blog.rust-lang.org/feed.xml mentions async',
  'Tell me when https://example.org is down',
]

export function ChatPage() {
  const automation = new URLSearchParams(useSearch()).get('automation')
  const [, go] = useLocation()
  const [limit, setLimit] = useState(PAGE)
  const [text, setText] = useState('')
  const chat = useKept(
    useView({ ask: 'chat', limit, ...(automation ? { automation } : {}) }),
    automation ?? '',
  )
  const automations = useView({ ask: 'automations' }).answer ?? []
  const nameOf = (id: string | null) => automations.find((one) => one.id === id)?.name ?? id ?? ''
  const list = useStayAtEnd()
  const status = useView({ ask: 'status' }).answer
  return (
    <Page
      title="Chat"
      actions={
        <Picker
          label="Whose chat"
          value={automation ?? 'all'}
          onChange={(id) => go(id === 'all' ? '/chat' : `/chat?automation=${id}`)}
          items={[
            { id: 'all', label: 'Everything' },
            ...automations.map((one) => ({ id: one.id, label: one.name })),
          ]}
        />
      }
    >
      <div className="chat" ref={list}>
        <Shown
          view={chat}
          isEmpty={(lines) => lines.length === 0}
          empty={
            <Blank icon={<MessageSquareText size={22} aria-hidden />} title="Say what should be done">
              <p>
                Deputy answers with a proposal: when it runs, what it may touch, what it never does. Nothing
                begins before you accept it.
              </p>
              <Examples onChoose={setText} />
            </Blank>
          }
        >
          {(lines) => (
            <>
              {lines.length >= limit && (
                <Button isSmall weight="quiet" onPress={() => setLimit(limit * 2)}>
                  Show earlier
                </Button>
              )}
              <Lines lines={lines} nameOf={automation === null ? nameOf : null} />
            </>
          )}
        </Shown>
        <Said automation={automation} onEdit={setText} />
      </div>
      <div className="chat-foot">
        <Composer text={text} onText={setText} automation={automation} name={nameOf(automation)} />
        {status?.model === false && (
          <p className="tiny faint">
            No model is set up: Deputy plans reminders, feeds, pages, prices, sites, folders and back-ups.
          </p>
        )}
      </div>
    </Page>
  )
}

/** How near to its end a page counts as read to the end. */
const NEAR_PX = 160

/** Begins at the end, and follows it while one is there, however the lines grow. */
function useStayAtEnd() {
  const chat = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const { current } = chat
    if (!current) return
    let isAtEnd = true
    let before = { top: scrollY, height: 0 }
    const look = () => {
      const now = { top: scrollY, height: document.documentElement.scrollHeight }
      // Only a person who scrolls up leaves the end; lines that grow or shrink do not.
      if (now.height - now.top - innerHeight < NEAR_PX) isAtEnd = true
      else if (now.top < before.top && now.height === before.height) isAtEnd = false
      before = now
    }
    const grown = new ResizeObserver(() => {
      if (isAtEnd) scrollTo(0, document.documentElement.scrollHeight)
    })
    grown.observe(current)
    addEventListener('scroll', look, { passive: true })
    return () => {
      grown.disconnect()
      removeEventListener('scroll', look)
    }
  }, [])
  return chat
}

function Lines({ lines, nameOf }: { lines: ChatEvent[]; nameOf: ((id: string | null) => string) | null }) {
  const now = useNow()
  const dayOf = (line: ChatEvent | undefined) => (line ? day(Date.parse(line.at), now) : '')
  return (
    <ol className="lines">
      {lines.map((line, at) => {
        const before = lines[at - 1]
        const isNewDay = dayOf(before) !== dayOf(line)
        const isNewChat = isNewDay || before?.automation !== line.automation || before.author !== line.author
        return (
          <li key={line.seq} className={`line line-by-${line.author}${isNewChat ? ' line-first' : ''}`}>
            {isNewDay && <p className="line-day tiny faint">{dayOf(line)}</p>}
            {isNewChat && (
              <p className="line-meta tiny faint">
                {nameOf && line.automation !== null && (
                  <Link to={`/automations/${line.automation}`} className="plain-link">
                    {nameOf(line.automation)}
                  </Link>
                )}
                <Ago at={line.at} />
              </p>
            )}
            <ChatLine line={line} />
          </li>
        )
      })}
    </ol>
  )
}

function Examples({ onChoose }: { onChoose: (text: string) => void }) {
  return (
    <div className="examples">
      {EXAMPLES.map((example) => (
        <Button key={example} onPress={() => onChoose(example)}>
          {example}
        </Button>
      ))}
    </div>
  )
}
