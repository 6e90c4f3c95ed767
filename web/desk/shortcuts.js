// Keys that work everywhere on the desk, and the dialog that lists them.

import { h } from './dom.js';
import { state } from './state.js';
import { navigate } from './router.js';
import { words } from './words.js';

/// How long after `g` the second key may come.
const SEQUENCE_MS = 1200;
const PLACES = { a: '/desk', p: '/desk/past', f: '/desk/figures', r: '/desk/replies' };

let began = 0;
let dialog = null;

export function listenForShortcuts() {
  document.addEventListener('keydown', pressed);
}

export function showShortcuts() {
  dialog?.remove();
  const rows = words.shortcuts.list.map(([keys, meaning]) =>
    h(
      'div',
      {},
      h(
        'dt',
        {},
        keys.split(' ').map((key) => h('kbd', {}, key)),
      ),
      h('dd', {}, meaning),
    ),
  );
  dialog = h(
    'dialog',
    { class: 'dialog', id: 'shortcuts', 'aria-labelledby': 'shortcuts-title' },
    h('h2', { id: 'shortcuts-title' }, words.shortcuts.title),
    h('dl', { class: 'keys' }, rows),
    h('button', { type: 'button', class: 'button', onclick: () => dialog.close() }, words.shortcuts.close),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function pressed(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.isComposing) return;
  if (state.user === null || document.querySelector('dialog[open]') !== null) return;
  const target = event.target;
  const typing =
    target instanceof HTMLElement &&
    target.matches('input:not([type=range]):not([type=radio]):not([type=checkbox]), textarea, select');
  if (typing) {
    if (event.key === 'Escape') target.blur();
    return;
  }
  if (event.altKey) return;
  if (sequence(event)) return;
  if (event.key === '?') showShortcuts();
  else if (event.key === '/') focusOn('[data-search]');
  else if (event.key === 'r') focusOn('#reply');
  else if (event.key === 'End' && document.getElementById('newer')) document.getElementById('newer').click();
  else return;
  event.preventDefault();
}

function sequence(event) {
  const second = began !== 0 && event.timeStamp - began < SEQUENCE_MS;
  began = 0;
  if (second && PLACES[event.key] !== undefined) {
    event.preventDefault();
    navigate(PLACES[event.key]);
    return true;
  }
  if (event.key !== 'g') return false;
  began = event.timeStamp;
  return true;
}

function focusOn(selector) {
  const field = document.querySelector(selector);
  field?.focus();
  if (field instanceof HTMLInputElement) field.select();
}
