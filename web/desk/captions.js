// The transcript of a call: utterances in speaking order, each with both languages side by side.
//
// Captions grow many times a second. What comes is gathered and written once a frame, rows are changed and never made
// anew, and the reader stays where they are unless they are at the end.

import { h, setAttribute, setText, toggle } from './dom.js';
import { seconds, timeOfDay } from './format.js';
import { icon } from './icons.js';
import { speak } from './languages.js';
import { words } from './words.js';

/// So near the end, in pixels, counts as being there.
const NEAR = 40;
/// Finished utterances that stay in the region for screen readers.
const ANNOUNCED = 8;

/// `languages()` gives `{ caller, agent }` as tags; `onSeek(utterance)`, if given, makes rows that can be pressed.
export function buildCaptions({ languages, onSeek, empty }) {
  const captions = {
    languages,
    onSeek: onSeek ?? null,
    rows: new Map(),
    order: [],
    waiting: new Map(),
    frame: 0,
    following: true,
    read: 'both',
  };
  captions.list = h('ol', { class: 'utterances', id: 'utterances' });
  captions.outbox = h('ol', { class: 'utterances outbox', id: 'outbox' });
  captions.empty = h('p', { class: 'captions-empty' }, empty ?? words.call.empty);
  captions.scroller = h(
    'div',
    { class: 'scroller', tabindex: '0', role: 'region', 'aria-label': words.call.captions },
    captions.empty,
    captions.list,
    captions.outbox,
  );
  captions.newer = h(
    'button',
    { type: 'button', class: 'newer', id: 'newer', hidden: true, 'aria-label': words.call.newBelowLabel },
    words.call.newBelow,
    icon('down'),
  );
  captions.log = h('div', {
    class: 'hidden',
    role: 'log',
    'aria-live': 'polite',
    'aria-label': words.call.finished,
    id: 'finished',
  });
  captions.node = h(
    'div',
    { class: 'captions', 'data-read': 'both' },
    captions.scroller,
    captions.newer,
    captions.log,
  );
  watchScrolling(captions);
  return {
    node: captions.node,
    outbox: captions.outbox,
    scroller: captions.scroller,
    setAll: (utterances) => setAll(captions, utterances),
    put: (utterance) => enqueue(captions, utterance),
    readIn: (read) => readIn(captions, read),
    mark: (key) => markPlaying(captions, key),
    changed: () => afterChange(captions),
    toEnd: () => toEnd(captions),
    toStart: () => {
      captions.following = false;
      captions.scroller.scrollTop = 0;
    },
    leave: () => leave(captions),
  };
}

function watchScrolling(captions) {
  const { scroller, newer } = captions;
  scroller.addEventListener(
    'scroll',
    () => {
      captions.following = atEnd(scroller);
      if (captions.following) newer.hidden = true;
    },
    { passive: true },
  );
  newer.addEventListener('click', () => {
    toEnd(captions);
    scroller.focus({ preventScroll: true });
  });
  captions.resizing = new ResizeObserver(() => {
    if (captions.following) scroller.scrollTop = scroller.scrollHeight;
  });
  captions.resizing.observe(scroller);
}

const atEnd = (scroller) => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;

function leave(captions) {
  cancelAnimationFrame(captions.frame);
  captions.resizing.disconnect();
}

function enqueue(captions, utterance) {
  captions.waiting.set(utterance.key, utterance);
  if (captions.frame === 0) captions.frame = requestAnimationFrame(() => flush(captions));
}

function flush(captions) {
  captions.frame = 0;
  const news = [...captions.waiting.values()];
  captions.waiting.clear();
  let added = false;
  for (const utterance of news) {
    added = write(captions, utterance) || added;
    if (utterance.final) announce(captions, utterance);
  }
  afterChange(captions, added);
}

function setAll(captions, utterances) {
  const keys = new Set(utterances.map((utterance) => utterance.key));
  captions.waiting.clear();
  for (const row of [...captions.order]) {
    if (!keys.has(row.key)) forget(captions, row);
  }
  for (const utterance of utterances) write(captions, utterance);
  afterChange(captions, false);
}

function forget(captions, row) {
  row.node.remove();
  captions.rows.delete(row.key);
  captions.order.splice(captions.order.indexOf(row), 1);
}

/// Whether a row was added.
function write(captions, utterance) {
  captions.empty.hidden = true;
  const known = captions.rows.get(utterance.key);
  const row = known ?? buildRow(captions, utterance);
  fill(captions, row, utterance);
  if (known !== undefined) return false;
  captions.rows.set(row.key, row);
  insert(captions, row);
  return true;
}

/// In order of speaking; most come last, so the search begins there. Rows with the same time keep their order.
function insert(captions, row) {
  let at = captions.order.length;
  while (at > 0 && captions.order[at - 1].spoken > row.spoken) at -= 1;
  captions.list.insertBefore(row.node, captions.order[at]?.node ?? null);
  captions.order.splice(at, 0, row);
}

function buildRow(captions, utterance) {
  const { speaker, key } = utterance;
  const source = h('p', { class: 'source' });
  const target = h('p', { class: 'target' });
  const time = h(captions.onSeek === null ? 'span' : 'button', { class: 'when' });
  const delay = h('span', { class: 'delay' });
  const marks = h('span', { class: 'marks' });
  const who = h('span', { class: 'who' }, words.party[speaker]);
  const [left, right] = speaker === 'caller' ? [source, target] : [target, source];
  const node = h(
    'li',
    { class: 'utterance', 'data-utterance': key, 'data-speaker': speaker },
    h('div', { class: 'meta' }, who, time, delay, marks),
    h('div', { class: 'cell caller' }, left),
    h('div', { class: 'cell agent' }, right),
  );
  const row = {
    key,
    speaker,
    spoken: utterance.spoken,
    node,
    source,
    target,
    time,
    delay,
    marks,
    last: null,
  };
  if (captions.onSeek !== null) {
    time.type = 'button';
    node.classList.add('can-seek');
    node.addEventListener('click', (event) => {
      if (event.target.closest('button') === time || String(getSelection()) === '') captions.onSeek(row.last);
    });
  }
  return row;
}

function fill(captions, row, utterance) {
  row.last = utterance;
  const tags = captions.languages();
  const other = row.speaker === 'caller' ? 'agent' : 'caller';
  setText(row.source, utterance.source);
  setText(row.target, utterance.target);
  speak(row.source, utterance.source_language ?? tags[row.speaker]);
  speak(row.target, utterance.target_language ?? tags[other]);
  setText(row.time, timeOfDay(utterance.spoken));
  if (captions.onSeek !== null)
    setAttribute(row.time, 'aria-label', words.record.play(timeOfDay(utterance.spoken)));
  const span = utterance.onset_span;
  setText(row.delay, span === null || span === undefined ? '' : seconds(span));
  setAttribute(
    row.delay,
    'title',
    row.delay.textContent === '' ? null : words.delay.label(row.delay.textContent),
  );
  setText(row.marks, marksOf(utterance));
  toggle(row.node, 'growing', !utterance.final);
  toggle(row.node, 'typed', utterance.typed);
  toggle(row.node, 'cut', utterance.cut);
}

function marksOf(utterance) {
  if (utterance.cut) return words.call.cut;
  if (utterance.typed) return words.call.typed;
  return utterance.final && utterance.target === '' && utterance.source !== '' ? words.call.original : '';
}

/// Only what is finished is read out, in the language that is being read.
function announce(captions, utterance) {
  const tags = captions.languages();
  const reader = captions.read === 'caller' ? 'caller' : 'agent';
  const own = utterance.speaker === reader;
  const text = (own ? utterance.source : utterance.target) || utterance.source;
  if (text === '') return;
  const line = h('p', {}, `${words.party[utterance.speaker]}: `, speak(h('span', {}, text), tags[reader]));
  captions.log.append(line);
  while (captions.log.children.length > ANNOUNCED) captions.log.firstChild.remove();
}

function afterChange(captions, added) {
  if (captions.following) captions.scroller.scrollTop = captions.scroller.scrollHeight;
  else if (added) captions.newer.hidden = false;
}

function toEnd(captions) {
  captions.following = true;
  captions.newer.hidden = true;
  captions.scroller.scrollTop = captions.scroller.scrollHeight;
}

function readIn(captions, read) {
  captions.read = read;
  setAttribute(captions.node, 'data-read', read);
  afterChange(captions, false);
}

function markPlaying(captions, key) {
  if (captions.playing === key) return;
  const before = captions.rows.get(captions.playing)?.node;
  if (before !== undefined) before.classList.remove('playing');
  captions.playing = key;
  captions.rows.get(key)?.node.classList.add('playing');
}
