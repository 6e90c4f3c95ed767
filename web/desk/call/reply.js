// The box at the foot of a live call: what is typed here is spoken to the caller.

import { get, post } from '../api.js';
import { buildCanned } from './canned.js';
import { h, setAttribute, setText } from '../dom.js';
import { nameOf, speak } from '../languages.js';
import { icon } from '../icons.js';
import { words } from '../words.js';

const TEXT_MAX = 1000;
const LINES_MAX_PX = 132;

export function buildReply(view, captions) {
  const hint = h('p', { class: 'reply-hint', id: 'reply-hint' });
  const area = h('textarea', {
    id: 'reply',
    rows: '1',
    maxlength: TEXT_MAX,
    placeholder: words.reply.placeholder,
    'aria-label': words.reply.label,
    'aria-describedby': 'reply-hint',
  });
  const send = h(
    'button',
    { type: 'submit', id: 'send', class: 'button primary', title: words.reply.keys },
    icon('send'),
    words.reply.send,
  );
  const reply = { view, captions, area, send, hint, pending: [], known: new Set() };
  const canned = buildCanned({
    load: () => get('/api/replies'),
    choose: (text) => insert(reply, text),
    area,
  });
  const form = h(
    'form',
    { class: 'reply', 'aria-label': words.reply.label, onsubmit: (event) => submit(event, reply) },
    canned.node,
    area,
    send,
  );
  area.addEventListener('input', () => grow(area));
  area.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  return {
    node: h('div', { class: 'reply-place' }, form, hint),
    update: (call) => update(reply, call),
    saw: (utterance) => saw(reply, utterance),
    sawAll: (utterances) => utterances.forEach((utterance) => saw(reply, utterance)),
    typed: (typed) => typedEvent(reply, typed),
    leave: canned.leave,
  };
}

function update(reply, call) {
  const open = call.phase === 'conversation' && !call.ended;
  reply.area.readOnly = !open;
  reply.send.disabled = !open;
  speak(reply.area, call.agent_language);
  if (reply.area.value === '') setAttribute(reply.area, 'dir', 'auto');
  setText(
    reply.hint,
    open
      ? words.reply.hint(nameOf(call.agent_language))
      : call.phase === 'waiting'
        ? words.reply.waiting
        : words.reply.ending,
  );
}

function insert(reply, text) {
  const { area } = reply;
  const before = area.value.slice(0, area.selectionStart);
  const after = area.value.slice(area.selectionEnd);
  const gap = before !== '' && !/\s$/.test(before) ? ' ' : '';
  area.value = (before + gap + text + after).slice(0, TEXT_MAX);
  area.focus();
  grow(area);
}

function grow(area) {
  area.style.height = 'auto';
  area.style.height = `${Math.min(LINES_MAX_PX, area.scrollHeight + 2)}px`;
}

function submit(event, reply) {
  event.preventDefault();
  const text = reply.area.value.trim();
  if (text === '' || reply.send.disabled) return;
  reply.area.value = '';
  grow(reply.area);
  dispatch(reply, text);
}

async function dispatch(reply, text) {
  const message = pendingRow(reply, text);
  reply.captions.toEnd();
  try {
    await post(`${reply.view.path}/say`, { text });
  } catch (error) {
    fail(reply, message, error.message);
  }
}

/// A message that has not been heard of yet stands below the transcript, in the agent's column.
function pendingRow(reply, text) {
  const state = h('span', { class: 'marks', role: 'status' }, words.reply.pending);
  const typed = speak(h('p', { class: 'source' }, text), reply.view.call.agent_language);
  const buttons = h('p', { class: 'pending-buttons' });
  const node = h(
    'li',
    { class: 'utterance pending', 'data-speaker': 'agent', 'data-state': 'pending' },
    h('div', { class: 'meta' }, h('span', { class: 'who' }, words.party.agent), state),
    h('div', { class: 'cell caller' }),
    h('div', { class: 'cell agent' }, typed, buttons),
  );
  const message = { text, node, state, buttons, number: null, failed: false };
  reply.pending.push(message);
  reply.captions.outbox.append(node);
  reply.captions.changed();
  return message;
}

function discard(reply, message) {
  message.node.remove();
  reply.pending = reply.pending.filter((one) => one !== message);
}

function fail(reply, message, why) {
  message.failed = true;
  message.node.dataset.state = 'failed';
  setText(message.state, words.reply.failed(why));
  const again = h('button', { type: 'button', class: 'button small' }, words.reply.again);
  const drop = h('button', { type: 'button', class: 'button small quiet' }, words.reply.discard);
  again.addEventListener('click', () => {
    discard(reply, message);
    dispatch(reply, message.text);
  });
  drop.addEventListener('click', () => discard(reply, message));
  message.buttons.replaceChildren(again, drop);
  reply.captions.changed();
}

/// The service has taken a message for speaking, or cannot speak it; it may have been typed in another place.
function typedEvent(reply, { number, text, failed }) {
  let message = reply.pending.find((one) => one.number === number);
  message ??= reply.pending.find((one) => one.number === null && !one.failed && one.text === text.trim());
  if (message === undefined) {
    if (failed === null && reply.known.has(`#${number}`)) return;
    message = pendingRow(reply, text);
  }
  message.number = number;
  if (failed !== null) {
    fail(reply, message, failed);
    return;
  }
  message.node.dataset.state = 'accepted';
  setText(message.state, words.reply.accepted);
}

/// Once its caption is there, the caption stands for the message.
function saw(reply, utterance) {
  if (!utterance.typed || reply.known.has(utterance.key)) return;
  reply.known.add(utterance.key);
  const open = reply.pending.filter((one) => !one.failed);
  const message = open.find((one) => one.text === utterance.source.trim()) ?? open[0];
  if (message === undefined) return;
  if (message.number !== null) reply.known.add(`#${message.number}`);
  discard(reply, message);
}
