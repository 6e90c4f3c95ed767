// The agent's own line in this page, where calls are taken at the desk.

import { confirmButton } from '../confirm.js';
import { h, setAttribute, setText } from '../dom.js';
import { icon } from '../icons.js';
import { levelMeter, muteButton } from './own.js';
import { giveLine, useMicrophone, watchLine } from '../softphone.js';
import { isMine, state } from '../state.js';
import { takeAsking } from '../taking.js';
import { say } from '../toast.js';
import { words } from '../words.js';

export function buildLine(view) {
  if (state.desk.agent_dial !== 'desk') return { node: null, update: () => {} };
  const status = h('p', { class: 'line-status', role: 'status', id: 'line' });
  const mute = muteButton('mute');
  const level = levelMeter();
  const speak = h('button', { type: 'button', class: 'button', id: 'speak' }, words.leg.speak);
  speak.addEventListener('click', () => useMicrophone(true));
  const join = joinButton(view, true);
  const joinText = joinButton(view, false);
  const give = giveButton();
  const node = h(
    'section',
    { class: 'control line', 'aria-label': words.leg.title, hidden: true },
    h('h2', {}, icon('headset'), words.leg.title),
    status,
    level.node,
    h('div', { class: 'button-row' }, mute.node, speak, join, joinText),
    give,
  );
  const parts = { node, status, mute, level, speak, join, joinText, give, line: null, call: view.call };
  const stop = watchLine((line) => {
    parts.line = line !== null && line.id === view.id ? line : null;
    show(parts);
  });
  return {
    node,
    update(call) {
      parts.call = call;
      show(parts);
    },
    leave() {
      level.leave();
      stop();
    },
  };
}

/// Takes the call, or brings the line of one's own call here.
function joinButton(view, microphone) {
  const button = h('button', { type: 'button', class: 'button' });
  let busy = false;
  button.addEventListener('click', async () => {
    if (busy) return;
    busy = true;
    try {
      await takeAsking(view.id, microphone);
    } catch (error) {
      say(error.message, 'bad');
    }
    busy = false;
  });
  return button;
}

/// Gives the call back: the caller waits for another agent, before all others.
function giveButton() {
  return confirmButton({
    id: 'give',
    label: words.leg.give,
    sure: words.leg.giveSure,
    class: 'quiet wide',
    act: async () => {
      try {
        await giveLine();
        say(words.leg.given);
      } catch (error) {
        say(error.message, 'bad');
      }
    },
  });
}

function show({ node, status, mute, level, speak, join, joinText, give, line, call }) {
  const here = line !== null && line.status !== 'ended';
  const going = call.phase === 'conversation' && !call.ended;
  const away = !here && going && isMine(call);
  const waits = !here && call.phase === 'waiting';
  node.hidden = line === null && !away && !waits;
  speak.hidden = !here || line.microphone;
  for (const [button, text, take] of [
    [join, words.leg.join, words.live.take],
    [joinText, words.leg.joinText, words.live.takeText],
  ]) {
    button.hidden = !away && !waits;
    setText(button, waits ? take : text);
  }
  give.hidden = !here || !going;
  mute.node.hidden = true;
  level.node.hidden = true;
  if (here) {
    mute.show(line);
    level.show(line);
  }
  setText(status, here ? lineText(line) : away ? awayText(line, call) : (line?.why ?? (waits ? words.leg.waits : '')));
  setAttribute(status, 'data-tone', here ? toneOf(line) : null);
}

/// The line of one's own call is not in this page.
function awayText(line, call) {
  if (call.agent_line === 'lost') return words.leg.lost;
  return call.agent_line === 'up' ? words.leg.elsewhere : (line?.why ?? words.leg.ended);
}

function lineText(line) {
  if (line.status === 'joining') return words.leg.joining;
  if (line.status === 'leaving') return words.leg.leaving;
  if (line.status === 'back') return words.leg.away;
  if (!line.microphone) return words.leg.text;
  if (line.mic !== 'on') return words.leg.noVoice;
  return line.muted ? words.leg.off : words.leg.on;
}

function toneOf(line) {
  if (line.microphone && (line.muted || line.mic === 'lost' || line.mic === 'silent')) return 'bad';
  return line.status === 'on' && line.microphone && line.mic === 'on' ? 'good' : null;
}
