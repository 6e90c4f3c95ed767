// The agent's own line in this page, where calls are taken at the desk.

import { h, setAttribute, setText } from '../dom.js';
import { icon } from '../icons.js';
import { muteLine, resumeLine, takeCall, watchLine } from '../softphone.js';
import { isMine, state } from '../state.js';
import { say } from '../toast.js';
import { words } from '../words.js';

export function buildLine(view) {
  if (state.desk.agent_dial !== 'desk') return { node: null, update: () => {} };
  const status = h('p', { class: 'line-status', role: 'status', id: 'line' });
  const mute = h('button', { type: 'button', class: 'button', id: 'mute', hidden: true });
  const join = joinButton(view, true, words.leg.join);
  const joinText = joinButton(view, false, words.leg.joinText);
  const node = h(
    'section',
    { class: 'control line', 'aria-label': words.leg.title, hidden: true },
    h('h2', {}, icon('headset'), words.leg.title),
    status,
    h('div', { class: 'button-row' }, mute, join, joinText),
  );
  const parts = { node, status, mute, join, joinText, line: null, call: view.call };
  mute.addEventListener('click', () => {
    resumeLine();
    muteLine(mute.getAttribute('aria-pressed') !== 'true');
  });
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
    leave: stop,
  };
}

function joinButton(view, microphone, label) {
  const button = h('button', { type: 'button', class: 'button', hidden: true }, label);
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      await takeCall(view.id, microphone);
    } catch (error) {
      say(error.message, 'bad');
    }
    button.disabled = false;
  });
  return button;
}

function show({ node, status, mute, join, joinText, line, call }) {
  const on = line !== null && line.status !== 'ended';
  const away = !on && call.phase !== 'ending' && !call.legs.agent && (line !== null || isMine(call));
  node.hidden = line === null && !away;
  mute.hidden = !on || !line.microphone || line.status !== 'on';
  join.hidden = !away;
  joinText.hidden = !away;
  if (line === null) {
    setText(status, away ? words.leg.ended : '');
    return;
  }
  setAttribute(mute, 'aria-pressed', String(line.muted));
  setText(mute, line.muted ? words.leg.unmute : words.leg.mute);
  setText(status, lineText(line));
  setAttribute(status, 'data-on', String(line.status === 'on' && line.microphone && !line.muted));
}

function lineText(line) {
  if (line.status === 'ended') return line.why;
  if (line.status === 'joining') return words.leg.joining;
  if (!line.microphone) return words.leg.text;
  return line.muted ? words.leg.off : words.leg.on;
}
