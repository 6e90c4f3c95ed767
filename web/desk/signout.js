// Signing out while a call goes on: asked first, since it ends nothing unasked.

import { boardNow } from './board.js';
import { choiceDialog } from './dialogs.js';
import { phone } from './format.js';
import { currentLine, hangUpLine, isTalking } from './softphone.js';
import { isMine, state } from './state.js';
import { words } from './words.js';

/// Resolves to whether one signs out; a call in this page has been hung up then, if that was the choice.
export async function askBeforeSigningOut() {
  if (isTalking()) {
    const choice = await ask(words.leaving.here(nameOf(currentLine().number)), [
      { value: 'hang-up', label: words.leaving.hangUp, tone: 'danger' },
    ]);
    if (choice !== 'hang-up') return false;
    await hangUpLine();
    return true;
  }
  const elsewhere =
    state.desk.agent_dial === 'desk' &&
    boardNow().calls.find((call) => isMine(call) && call.phase === 'conversation');
  if (!elsewhere) return true;
  const text = words.leaving.elsewhere(nameOf(elsewhere.caller_number));
  return (await ask(text, [{ value: 'out', label: words.leaving.out }])) === 'out';
}

const nameOf = (number) => phone(number ?? '') || words.call.hidden;

const ask = (text, choices) =>
  choiceDialog({
    id: 'sign-out-asks',
    title: words.leaving.title,
    text,
    choices: [{ value: 'stay', label: words.leaving.stay, tone: 'primary' }, ...choices],
  });
