// A button that asks before it acts: the first press changes what it says, the second one does it.

import { h, setText } from './dom.js';

/// How long the question stands.
const ASKING_MS = 4000;

/// `act` may return a promise; the button is off until it is done.
export function confirmButton({ id, label, sure, act, class: extra = 'danger', icon = null }) {
  const text = h('span', { 'aria-live': 'polite' }, label);
  const button = h('button', { type: 'button', id, class: `button ${extra}` }, icon, text);
  let timer = 0;
  const rest = () => {
    clearTimeout(timer);
    button.classList.remove('asking');
    setText(text, label);
  };
  button.addEventListener('click', async () => {
    if (!button.classList.contains('asking')) {
      button.classList.add('asking');
      setText(text, sure);
      timer = setTimeout(rest, ASKING_MS);
      return;
    }
    rest();
    button.disabled = true;
    try {
      await act();
    } finally {
      button.disabled = false;
    }
  });
  button.addEventListener('blur', rest);
  button.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') rest();
  });
  return button;
}
