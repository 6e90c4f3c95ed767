// The agent's own line in this page, where calls are taken at the desk. It outlives a change of view, and the session: it
// ends with its call, or when somebody hangs up. A page that is loaded anew, or was asleep, brings its line back by itself.

import { post } from './api.js';
import { boardNow, watchBoard } from './board.js';
import { forget, hold, keep, recall, wasHere } from './kept.js';
import { isMine, state } from './state.js';
import { announce, startLeg } from './talk/leg.js';
import { Microphone } from './talk/microphone.js';
import { words } from './words.js';

/// Another page that had the line may come back first; this one waits so long.
const OTHERS_MS = 2000;
/// Between two attempts to bring a line back.
const RETRY_MS = 3000;
/// What becomes of a call is known here so soon.
const NEWS_MS = 1000;
/// A line that is up here and lost for the service so long is opened anew.
const DOUBT_MS = 1500;

/// `null`, or
/// `{ id, number, talked, microphone, muted, mic, status, why, leg, … }`: `microphone` is whether one wants to speak, `mic` how
/// it is ("off" "asking" "on" "silent" "lost"), `status` is "joining", "back" (lost, and being brought back), "on",
/// "silenced" (waits for a click), "leaving" or "ended".
let line = null;
let busy = false;
let timer = 0;
let doubt = 0;
const listeners = new Set();
const ears = new Set();

export const currentLine = () => line;
export const isTalking = () => line !== null && line.status !== 'ended';
const isUp = () => line?.status === 'on' || line?.status === 'silenced';

/// Calls `listener(line)` now and after every change; returns how to stop that.
export function watchLine(listener) {
  listeners.add(listener);
  listener(line);
  return () => listeners.delete(listener);
}

/// Calls `listener(level)` with the level of one's own voice, 0 to 1, ten times a second; returns how to stop that.
export function watchLevel(listener) {
  ears.add(listener);
  return () => ears.delete(listener);
}

/// Takes a call that waits, or brings the line of one's own call here. The microphone is asked for first, so that nobody
/// waits for an answer to the browser's question. Throws what the service says against it, or a `MicrophoneError`.
export async function takeCall(id, wanted) {
  if (busy || isTalking()) throw new Error(words.leg.busy);
  busy = true;
  const microphone = wanted ? new Microphone() : null;
  try {
    await microphone?.open().catch((error) => {
      throw new MicrophoneError(error);
    });
    const taken = await post(`/api/calls/${encodeURIComponent(id)}/take`);
    join(begin(id, wanted, false, 'joining'), taken, microphone, true);
    learn(boardNow().calls.find((call) => call.id === id));
  } catch (error) {
    microphone?.close();
    throw error;
  } finally {
    busy = false;
  }
}

/// The browser gave no microphone.
export class MicrophoneError extends Error {
  constructor(error) {
    super(words.leg.noMicrophone[error?.name] ?? words.leg.noMicrophone.other);
  }
}

export function muteLine(muted) {
  if (!isTalking()) return;
  line.muted = muted;
  line.leg?.mute(muted);
  changed();
}

/// Speaks from here on, with the microphone asked for again, or types only.
export function useMicrophone(wanted) {
  if (!isTalking()) return;
  line.microphone = wanted;
  if (!wanted) line.mic = 'off';
  line.leg?.useMicrophone(wanted);
  changed();
}

/// The browser plays nothing before the page was touched; this is called from a click.
export function resumeLine() {
  line?.leg?.resume();
}

/// Hangs up, with or without a session. What was said is still heard.
export async function hangUpLine() {
  const mine = line;
  if (!isTalking() || mine.status === 'leaving') return;
  const up = isUp();
  mine.status = 'leaving';
  changed();
  mine.leg?.stop();
  // Without a line the service can be asked all the same.
  if (!up && state.user !== null) await post(`/api/calls/${encodeURIComponent(mine.id)}/hangup`).catch(() => {});
}

/// Gives the call back: the caller waits for another agent, before all others. Throws what the service says against it.
export async function giveLine() {
  const mine = line;
  if (!isTalking()) return;
  mine.given = true;
  try {
    await post(`/api/calls/${encodeURIComponent(mine.id)}/release`);
  } catch (error) {
    mine.given = false;
    throw error;
  }
}

/// Forgets a line that is over.
export function clearLine() {
  if (line === null || line.status !== 'ended') return;
  line = null;
  changed();
}

/// Follows the live calls: tells the line about its call, and brings back a line that is lost.
export function bringLinesBack() {
  watchBoard(look);
}

function look(calls, known) {
  if (!known || state.user === null || state.desk.agent_dial !== 'desk') return;
  const own = calls.find((call) => isMine(call) && call.phase === 'conversation' && call.agent_line === 'lost');
  if (isTalking()) {
    learn(calls.find((call) => call.id === line.id));
    doubted(own?.id === line.id && isUp());
  } else {
    doubted(false);
    lost(own);
  }
}

/// Leaving the page takes the line along. It comes back with the page, but people close pages for good, too.
addEventListener('beforeunload', (event) => {
  if (isTalking()) event.preventDefault();
});

function begin(id, microphone, muted, status) {
  line = {
    id,
    number: null,
    talked: null,
    microphone,
    muted,
    mic: microphone ? 'asking' : 'off',
    status,
    why: null,
    leg: null,
    letGo: () => {},
    moved: false,
    given: false,
    hungUp: false,
  };
  changed();
  return line;
}

/// What is known of the call, for places that do not show it.
function learn(call) {
  if (call === undefined) return;
  const talked = call.talked ?? call.started;
  if (line.number === call.caller_number && line.talked === talked) return;
  line.number = call.caller_number;
  line.talked = talked;
  changed();
}

/// The service has lost a line that is up here: the network has taken our sound for nothing.
function doubted(on) {
  if (!on) {
    clearTimeout(doubt);
    doubt = 0;
  } else if (doubt === 0) {
    doubt = setTimeout(() => {
      doubt = 0;
      line?.leg?.renew();
    }, DOUBT_MS);
  }
}

/// One's own call has lost its line, or (`undefined`) none has.
function lost(call) {
  if (call === undefined) {
    clearTimeout(timer);
    timer = 0;
  } else if (timer === 0) {
    timer = setTimeout(() => rejoin(call), wasHere(call.id) ? 0 : OTHERS_MS);
  }
}

async function rejoin(call) {
  if (!busy && !isTalking() && state.user !== null) {
    busy = true;
    await bringBack(call);
    busy = false;
  }
  timer = setTimeout(() => {
    timer = 0;
    const { calls, known } = boardNow();
    look(calls, known);
  }, RETRY_MS);
}

async function bringBack(call) {
  // Somebody has hung up, and the line broke before it could say so.
  if (line?.id === call.id && line.hungUp) {
    await post(`/api/calls/${encodeURIComponent(call.id)}/hangup`).catch(() => {});
    return;
  }
  const letGo = await hold(call.id, false, () => moved(call.id));
  if (letGo === null) return;
  const kept = recall(call.id);
  const wanted = kept?.microphone ?? true;
  try {
    const taken = await post(`/api/calls/${encodeURIComponent(call.id)}/take`);
    const mine = begin(call.id, wanted, kept?.muted ?? false, 'back');
    mine.letGo = letGo;
    learn(call);
    join(mine, taken, wanted, false);
  } catch {
    // The line may have been taken elsewhere by now; if not, there is another attempt.
    letGo();
  }
}

/// Another page of this browser has the line now.
function moved(id) {
  if (line?.id === id) line.moved = true;
}

async function join(mine, taken, microphone, byWish) {
  if (byWish) mine.letGo = (await hold(mine.id, true, () => moved(mine.id))) ?? mine.letGo;
  if (line !== mine) return;
  const { token, url } = taken;
  const leg = startLeg({ token, url, microphone: microphone ?? false, muted: mine.muted });
  mine.leg = leg;
  leg.onstate = (name, detail) => follow(mine, name, detail);
  leg.onmicrophone = (name) => {
    if (line !== mine || mine.mic === name) return;
    mine.mic = name;
    changed();
  };
  leg.onlevel = ({ said }) => {
    if (line === mine) for (const listener of ears) listener(said);
  };
  // Somebody may have hung up, or muted, meanwhile.
  if (mine.status === 'leaving') leg.stop();
  changed();
}

const STATUSES = { live: 'on', silenced: 'silenced', reconnecting: 'back' };

function follow(mine, name, detail) {
  if (line !== mine) return;
  if (name === 'ended') {
    ended(mine, detail);
  } else if (mine.status !== 'leaving' && STATUSES[name] !== undefined) {
    mine.status = STATUSES[name];
    changed();
  }
}

function ended(mine, { reason, text, language, error }) {
  mine.leg = null;
  mine.letGo();
  mine.status = 'ended';
  const failed = reason === 'failed' || reason === 'refused';
  if (mine.moved) mine.why = words.leg.moved;
  else if (mine.given) mine.why = words.leg.given;
  else mine.why = failed ? words.leg.failed(error?.message ?? words.leg.reasons[reason]) : words.leg.ended;
  mine.hungUp = reason === 'hung_up';
  if (reason === 'told' && !mine.moved && !mine.given) setTimeout(() => farewell(mine, text, language), NEWS_MS);
  forget(mine.hungUp);
  changed();
}

/// The line is over because its call is, or because the call has been offered to others meanwhile.
function farewell(mine, text, language) {
  const call = boardNow().calls.find((one) => one.id === mine.id);
  if (call === undefined || call.phase === 'ending') {
    announce(text, language);
  } else if (call.phase === 'waiting') {
    mine.why = words.leg.offered;
    changed();
  }
}

function changed() {
  if (isTalking()) keep(line.id, line.microphone, line.muted);
  for (const listener of listeners) listener(line);
}
