// One line at the edge of the page that says what has just happened; screen readers are told.

import { state } from './state.js';

const SHOWN_MS = 5000;
let timer = 0;

/// `tone` is `good`, or `bad` for what went wrong.
export function say(text, tone = 'good') {
  // Whoever is signed out reads on the sign-in page why nothing works.
  if (state.user === null) return;
  const place = document.getElementById('status');
  place.textContent = text;
  place.dataset.tone = tone;
  place.classList.add('shown');
  clearTimeout(timer);
  timer = setTimeout(() => place.classList.remove('shown'), SHOWN_MS + text.length * 40);
}
