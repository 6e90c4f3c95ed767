// Taking a call, where it may have to be asked first: nobody is left alone for another caller without a word.

import { post } from './api.js';
import { boardNow, watchBoard } from './board.js';
import { choiceDialog } from './dialogs.js';
import { phone } from './format.js';
import { currentLine, hangUpLine, isTalking, MicrophoneError, takeCall } from './softphone.js';
import { isMine } from './state.js';
import { words } from './words.js';

/// How long a call may take to end that has been hung up: what was said is heard to its end while it is ending already.
const ENDS_MS = 10000;

/// Takes a call; resolves to whether it was taken. Throws what the service says against it.
export async function takeAsking(id, microphone) {
  const present = ownCall(id);
  if (present !== null && !(await makeRoom(present))) return false;
  try {
    await takeCall(id, microphone);
    return true;
  } catch (error) {
    if (error instanceof MicrophoneError) return typing(id, error);
    const other = error.status === 409 ? (error.answer?.on_call ?? null) : null;
    if (other === null || !(await makeRoom(other))) {
      if (other === null) throw error;
      return false;
    }
  }
  await takeCall(id, microphone);
  return true;
}

/// The name of the call that one is in already, other than `id`, as far as is known here.
function ownCall(id) {
  if (isTalking() && currentLine().status !== 'leaving' && currentLine().id !== id) return currentLine().id;
  const own = boardNow().calls.find(
    (call) => isMine(call) && call.phase === 'conversation' && call.id !== id,
  );
  return own?.id ?? null;
}

/// Asks what is to become of the call that one is in; resolves to whether it is over.
async function makeRoom(id) {
  const call = boardNow().calls.find((one) => one.id === id);
  const number = phone(call?.caller_number ?? currentLine()?.number ?? '') || words.call.hidden;
  const choice = await choiceDialog({
    id: 'second-call',
    title: words.second.title(number),
    text: words.second.text,
    choices: [
      { value: 'stay', label: words.second.stay(number), tone: 'primary' },
      { value: 'hang-up', label: words.second.hangUp, tone: 'danger' },
    ],
  });
  if (choice !== 'hang-up') return false;
  if (isTalking() && currentLine().id === id) await hangUpLine();
  else await post(`/api/calls/${encodeURIComponent(id)}/hangup`);
  await ended(id);
  return true;
}

/// Waits until a call goes on no more.
function ended(id) {
  return new Promise((resolve, reject) => {
    let stop = () => {};
    const timer = setTimeout(() => {
      stop();
      reject(new Error(words.second.goesOn));
    }, ENDS_MS);
    const look = (calls) => {
      const call = calls.find((one) => one.id === id);
      if ((call !== undefined && call.phase !== 'ending') || (isTalking() && currentLine().id === id)) return;
      clearTimeout(timer);
      // The listener may be called before it is known how to stop it.
      queueMicrotask(() => stop());
      resolve();
    };
    stop = watchBoard(look);
  });
}

/// Without a microphone a call can be answered in writing.
async function typing(id, error) {
  const choice = await choiceDialog({
    id: 'no-microphone',
    title: words.leg.noMicrophone.title,
    text: error.message,
    choices: [
      { value: 'type', label: words.leg.noMicrophone.type, tone: 'primary' },
      { value: 'leave', label: words.leg.noMicrophone.leave },
    ],
  });
  if (choice !== 'type') return false;
  await takeCall(id, false);
  return true;
}
