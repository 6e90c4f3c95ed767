// The calls that are going on: those that wait first, then the conversations.

import { post } from '../api.js';
import { watchBoard } from '../board.js';
import { tick } from '../clock.js';
import { confirmButton } from '../confirm.js';
import { arrows, h, setAttribute, setText, toggle } from '../dom.js';
import { phone } from '../format.js';
import { icon } from '../icons.js';
import { find, nameOf, nativeOf, speak } from '../languages.js';
import { delayMark, healthMark, talkingMark } from '../party.js';
import { navigate } from '../router.js';
import { isMine, mayAs, state } from '../state.js';
import { takeAsking } from '../taking.js';
import { say } from '../toast.js';
import { words } from '../words.js';

const SIDES = ['caller', 'agent'];

export function activeView() {
  const rows = new Map();
  const waiting = section('waiting', words.live.waiting);
  const talking = section('talking', words.live.talking);
  const empty = h(
    'div',
    { class: 'empty', hidden: true },
    icon('headset'),
    h('h2', {}, words.live.emptyTitle),
    h('p', {}, words.live.empty),
  );
  const node = h(
    'div',
    { class: 'page live' },
    h('h1', {}, words.live.title),
    waiting.node,
    talking.node,
    empty,
  );
  arrows(node, '.call-open');
  let first = true;
  const stop = watchBoard((calls, known) => {
    for (const [id, row] of rows) {
      if (!calls.some((call) => call.id === id)) drop(rows, id, row);
    }
    const order = [...calls].sort((a, b) => urgency(b) - urgency(a) || a.started - b.started);
    for (const call of order) place(rows, call, call.phase === 'waiting' ? waiting : talking, first);
    for (const { list } of [waiting, talking]) arrange(list, order);
    waiting.count();
    talking.count();
    empty.hidden = !known || calls.length > 0;
    if (known) first = false;
  });
  return { title: words.live.title, node, leave: stop };
}

function section(name, title) {
  const count = h('span', { class: 'count' });
  const list = h('ul', { class: 'calls', 'data-test': `${name}-calls` });
  const node = h(
    'section',
    { class: `calls-${name}`, 'aria-label': title, hidden: true },
    h('h2', {}, title, ' ', count),
    list,
  );
  return {
    node,
    list,
    count() {
      node.hidden = list.children.length === 0;
      setText(count, String(list.children.length));
    },
  };
}

/// Whoever was in a conversation and waits again comes before all others.
const urgency = (call) => (call.phase === 'waiting' && call.priority ? 1 : 0);

/// Puts the rows in order, and moves none that is in its place: a row that is moved loses the focus.
function arrange(list, order) {
  const places = new Map(order.map((call, place) => [call.id, place]));
  const sorted = [...list.children].sort((a, b) => places.get(a.dataset.call) - places.get(b.dataset.call));
  sorted.forEach((row, at) => {
    if (list.children[at] !== row) list.insertBefore(row, list.children[at]);
  });
}

function drop(rows, id, row) {
  row.node.remove();
  rows.delete(id);
}

function place(rows, call, where, first) {
  let row = rows.get(call.id);
  if (row === undefined) {
    row = callRow(call);
    rows.set(call.id, row);
    if (!first && call.phase === 'waiting') say(words.live.arrived(phone(call.caller_number)));
  }
  row.update(call);
  if (row.node.parentNode !== where.list) where.list.append(row.node);
}

function callRow(call) {
  const parts = {
    pair: SIDES.map(() => h('span', { class: 'pair-name' })),
    open: h('a', { class: 'call-open', href: `/desk/calls/${encodeURIComponent(call.id)}` }),
    agent: h('span', { class: 'call-agent' }),
    note: h('span', { class: 'call-note' }),
    time: h('span', { class: 'call-time' }),
    sides: SIDES.map((side) => ({
      side,
      talking: talkingMark(side),
      health: healthMark(),
      delay: delayMark(),
    })),
    take: takeButtons(call),
  };
  const node = h(
    'li',
    { class: 'call-row', 'data-call': call.id },
    h(
      'p',
      { class: 'pair' },
      parts.pair[0],
      h('span', { class: 'pair-mark', 'aria-hidden': 'true' }, '⇄'),
      parts.pair[1],
    ),
    h('p', { class: 'call-who' }, parts.open, parts.agent, parts.note),
    h('div', { class: 'call-sides' }, parts.sides.map(sideLine)),
    h('p', { class: 'call-clock' }, parts.time),
    parts.take,
  );
  return { node, update: (now) => update(node, parts, now) };
}

function sideLine({ side, talking, health, delay }) {
  return h(
    'p',
    { class: 'call-side' },
    h('span', { class: 'side-name' }, words.party[side]),
    talking.node,
    health.node,
    delay.node,
  );
}

function update(node, parts, call) {
  setAttribute(node, 'data-phase', call.phase);
  const number = phone(call.caller_number) || words.call.hidden;
  SIDES.forEach((side, index) => writeLanguage(parts.pair[index], call[`${side}_language`]));
  setText(parts.open, number);
  setAttribute(parts.open, 'aria-label', `${words.live.open(number)}, ${nameOf(call.caller_language)}`);
  const visible = call.phase !== 'waiting' || mayAs('supervisor') || isMine(call);
  setAttribute(parts.open, 'href', visible ? `/desk/calls/${encodeURIComponent(call.id)}` : null);
  setText(parts.agent, call.agent ?? words.live.noAgent);
  toggle(parts.agent, 'nobody', call.agent === null);
  setText(parts.note, note(call));
  tick(parts.time, call.phase === 'waiting' ? call.started : (call.talked ?? call.started));
  for (const { side, talking, health, delay } of parts.sides) {
    talking.update(call.talking[side]);
    health.update(call.health[side]);
    delay.update(call.delay[side]);
  }
  toggle(node, 'first', urgency(call) > 0);
  const atDesk = state.desk.agent_dial === 'desk';
  parts.take.hidden = call.phase !== 'waiting' || !(atDesk || mayAs('supervisor'));
  for (const button of parts.take.querySelectorAll('[data-test^=take]')) button.hidden = !atDesk;
}

function note(call) {
  if (urgency(call) > 0) return words.live.priority;
  if (call.phase === 'conversation' && call.agent_line === 'lost') return words.live.lineLost;
  if (call.transferring) return words.live.transferring;
  if (call.phase === 'ending') return words.phase.ending;
  return call.phase === 'conversation' && !call.interpretation ? words.live.interpretationOff : '';
}

function writeLanguage(element, tag) {
  setText(element, nativeOf(tag));
  speak(element, tag);
  setAttribute(element, 'title', find(tag)?.name ?? null);
}

function takeButtons(call) {
  const number = phone(call.caller_number) || words.call.hidden;
  const voice = h(
    'button',
    {
      type: 'button',
      class: 'button primary',
      'data-test': 'take',
      'aria-label': words.live.takeLabel(number),
    },
    icon('headset'),
    words.live.take,
  );
  const text = h(
    'button',
    {
      type: 'button',
      class: 'button',
      'data-test': 'take-text',
      'aria-label': words.live.takeTextLabel(number),
    },
    words.live.takeText,
  );
  let busy = false;
  const take = async (microphone) => {
    // Not by disabling them: that would take the focus away, which comes back here from a question.
    if (busy) return;
    busy = true;
    try {
      if (await takeAsking(call.id, microphone)) navigate(`/desk/calls/${encodeURIComponent(call.id)}`);
    } catch (error) {
      say(error.message, 'bad');
    }
    busy = false;
  };
  voice.addEventListener('click', () => take(true));
  text.addEventListener('click', () => take(false));
  return h('div', { class: 'call-take', hidden: true }, voice, text, mayAs('supervisor') ? turnAway(call, number) : null);
}

function turnAway(call, number) {
  const button = confirmButton({
    label: words.live.turnAway,
    sure: words.live.turnAwaySure,
    class: 'danger quiet',
    act: async () => {
      try {
        await post(`/api/calls/${encodeURIComponent(call.id)}/hangup`);
        say(words.live.turnedAway);
      } catch (error) {
        say(error.message, 'bad');
      }
    },
  });
  button.dataset.test = 'turn-away';
  button.setAttribute('aria-description', words.live.turnAwayLabel(number));
  return button;
}
