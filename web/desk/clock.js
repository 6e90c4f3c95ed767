// Durations that tick: one timer for the whole page, and only elements that are still shown.

import { now } from './api.js';
import { duration } from './format.js';
import { setText } from './dom.js';

const ticking = new Map();

/// Keeps the time since `since` (ms since 1970) in `element`, until it is gone from the page or `since` is `null`.
export function tick(element, since) {
  if (since === null || since === undefined) {
    ticking.delete(element);
    return;
  }
  ticking.set(element, { since, seen: ticking.get(element)?.seen ?? false });
  write(element, since);
}

function write(element, since) {
  setText(element, duration(Math.max(0, now() - since)));
}

setInterval(() => {
  for (const [element, entry] of ticking) {
    if (element.isConnected) entry.seen = true;
    else if (entry.seen) ticking.delete(element);
    write(element, entry.since);
  }
}, 1000);
