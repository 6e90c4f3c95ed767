// The calls that are going on now, as the service tells them.

import { openStream } from './stream.js';

/// A page that nobody looks at gives its connection back after this.
const HIDDEN_MS = 30000;

let calls = new Map();
let known = false;
let close = null;
let told = () => {};
let timer = 0;
let needed = () => false;
const listeners = new Set();

/// `onChange(calls)` is told of every change, until `stopBoard`.
export function startBoard(onChange) {
  told = onChange;
  open();
  document.addEventListener('visibilitychange', seen);
}

export function stopBoard() {
  document.removeEventListener('visibilitychange', seen);
  shut();
  calls = new Map();
  told = () => {};
}

/// Calls `listener(calls, known)` now and after every change; returns how to stop that.
export function watchBoard(listener) {
  listeners.add(listener);
  listener([...calls.values()], known);
  return () => listeners.delete(listener);
}


/// The calls as they are known just now, and whether they are.
export const boardNow = () => ({ calls: [...calls.values()], known });

/// While `wanted()`, the calls are followed whether anybody looks at the page or not.
export function followWhile(wanted) {
  needed = wanted;
}

function open() {
  if (close !== null) return;
  close = openStream('/api/live', {
    calls: (data) => {
      calls = new Map(data.calls.map((call) => [call.id, call]));
      known = true;
      changed();
    },
    call: (call) => {
      calls.set(call.id, call);
      changed();
    },
    gone: ({ id }) => {
      calls.delete(id);
      changed();
    },
  });
}

function shut() {
  clearTimeout(timer);
  close?.();
  close = null;
  known = false;
}

function rest() {
  if (needed()) timer = setTimeout(rest, HIDDEN_MS);
  else shut();
}

function seen() {
  clearTimeout(timer);
  if (document.hidden) timer = setTimeout(rest, HIDDEN_MS);
  else open();
}

function changed() {
  const list = [...calls.values()];
  told(list);
  for (const listener of listeners) listener(list, known);
}
