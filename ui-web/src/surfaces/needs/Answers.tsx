/** The choices of an item, each with what happens next; one tap gives the answer. */

import { useState } from 'react'
import { CornerDownLeft } from 'lucide-react'
import { Label } from 'react-aria-components/Label'
import { TextArea } from 'react-aria-components/TextArea'
import { TextField } from 'react-aria-components/TextField'
import { isPending, useCommand, useMay } from '../../deputy/hooks'
import type { Need } from '../../deputy/types'
import { Button, type Weight } from '../../parts/Button'
import { Diff } from '../../parts/Diff'
import { Fold } from '../../parts/Fold'
import { Given } from '../../parts/Given'
import { FREE, option, type Option } from '../../words/needs'
import { diffOf } from './Seen'

const WEIGHT: Record<Option['weight'], Weight> = { main: 'main', plain: 'plain', wide: 'plain', no: 'plain' }

export function Answers({ need }: { need: Need }) {
  const { command, give } = useCommand((ask) => ask.ask === 'need_answer' && ask.item === need.id)
  const may = useMay('need_answer')
  if (need.state !== 'open') return null
  if (isPending(command) && command.ask.ask === 'need_answer') {
    return <Given command={command} doing={buttonOf(need, command.ask.choice, command.ask.note)} />
  }
  if (command?.state === 'applied')
    return (
      <p className="small quiet" role="status">
        Answered.
      </p>
    )
  if (!may)
    return <p className="small quiet">This device may not answer. Answer on another one, or at the agent.</p>
  const answer = (choice: string, note?: string) =>
    give({ ask: 'need_answer', item: need.id, choice, ...(note ? { note } : {}) })
  const always = diffOf(need.detail, 'always')
  return (
    <div className="stack-s">
      <Given command={command} />
      <ul className={need.kind === 'question' ? 'answers answers-question' : 'answers'}>
        {need.choices
          .filter((choice) => !(need.kind === 'question' && choice.id === FREE))
          .map((choice) => {
            const { id, button, next, weight } = option(need.kind, choice)
            return (
              <li key={id} className="answer">
                <Button weight={WEIGHT[weight]} onPress={() => answer(id)}>
                  {button}
                </Button>
                {next && <p className="small quiet">{next}</p>}
                {weight === 'wide' && always && (
                  <Fold title="What becomes wider">
                    <Diff diff={always} />
                  </Fold>
                )}
              </li>
            )
          })}
      </ul>
      {need.kind === 'question' && <FreeAnswer onAnswer={(note) => answer(FREE, note)} />}
    </div>
  )
}

function buttonOf(need: Need, choice: string, note?: string): string {
  if (note) return `“${note}”`
  const found = need.choices.find((one) => one.id === choice)
  return found ? option(need.kind, found).button : choice
}

function FreeAnswer({ onAnswer }: { onAnswer: (note: string) => void }) {
  const [note, setNote] = useState('')
  return (
    <form
      className="free-answer"
      onSubmit={(event) => {
        event.preventDefault()
        if (note.trim()) onAnswer(note.trim())
      }}
    >
      <TextField className="field" value={note} onChange={setNote}>
        <Label>In your own words</Label>
        <TextArea className="input" rows={2} />
      </TextField>
      <Button type="submit" icon={CornerDownLeft} isDisabled={!note.trim()}>
        Answer
      </Button>
    </form>
  )
}
