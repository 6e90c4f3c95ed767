// Signing in, by password or through another service.

import { post } from '../api.js';
import { h, setText } from '../dom.js';
import { logo } from '../icons.js';
import { state } from '../state.js';
import { words } from '../words.js';

/// An answer that takes longer than this is explained.
const EXPLAIN_MS = 3000;

const HELD =
  'Many attempts are being made at the moment. Yours has its place and is tried within a minute; please leave this page open.';
const AGAIN = (seconds) =>
  `Many attempts are being made at the moment. Yours is made again by itself in ${seconds === 1 ? 'a second' : `${seconds} seconds`}.`;

/// `done(session)` is called once somebody has signed in.
export function signInView(done) {
  const { desk } = state;
  const message = h('p', { class: 'message', role: 'alert', id: 'sign-in-error' });
  setText(message, state.notice ?? '');
  if (state.notice !== null) message.dataset.tone = 'calm';
  state.notice = null;
  const form = desk.password ? passwordForm(message, done) : null;
  const other =
    desk.oidc === null
      ? null
      : h('a', { class: 'button wide', id: 'oidc', href: '/api/oidc/start' }, words.signIn.oidc(desk.oidc));
  const node = h(
    'main',
    { class: 'alone', id: 'main' },
    h(
      'section',
      { class: 'sign-in' },
      h(
        'div',
        { class: 'sign-in-head' },
        logo(),
        h('div', {}, h('h1', {}, words.product), h('p', {}, words.signIn.lead)),
      ),
      form?.node ?? message,
      form && other ? h('p', { class: 'or' }, words.signIn.or) : null,
      other,
      form || other ? null : h('p', {}, words.signIn.none),
    ),
  );
  return { title: words.signIn.title, node, shown: () => form?.focus() };
}

function passwordForm(message, done) {
  const name = h('input', {
    id: 'name',
    name: 'username',
    autocomplete: 'username',
    autocapitalize: 'none',
    spellcheck: 'false',
    required: true,
    maxlength: 200,
  });
  const password = h('input', {
    id: 'password',
    name: 'password',
    type: 'password',
    autocomplete: 'current-password',
    required: true,
    maxlength: 1000,
  });
  const button = h(
    'button',
    { id: 'sign-in', type: 'submit', class: 'button primary wide' },
    words.signIn.button,
  );
  const parts = { name, password, button, message, waiting: null };
  // Whoever types something else wants that to be tried.
  for (const field of [name, password]) field.addEventListener('input', () => giveUp(parts));
  const node = h(
    'form',
    { novalidate: true, method: 'post', onsubmit: (event) => submit(event, parts, done) },
    h('label', { class: 'field' }, h('span', {}, words.signIn.name), name),
    h('label', { class: 'field' }, h('span', {}, words.signIn.password), password),
    message,
    button,
  );
  return { node, focus: () => name.focus() };
}

function submit(event, parts, done) {
  event.preventDefault();
  const { name, password, button, message } = parts;
  if (button.disabled) return;
  if (name.value.trim() === '' || password.value === '') {
    complain(message, words.signIn.empty);
    (name.value.trim() === '' ? name : password).focus();
    return;
  }
  attempt({ name: name.value.trim(), password: password.value }, parts, done);
}

/// Tries, and tries again by itself as long as the answer is to wait. The server may hold the request until its turn comes.
async function attempt(credentials, parts, done) {
  const { button, message, password } = parts;
  giveUp(parts);
  const waiting = { timer: 0, cancel: new AbortController() };
  parts.waiting = waiting;
  button.disabled = true;
  setText(button, words.signIn.busy);
  setText(message, '');
  const explain = setTimeout(() => explainWait(message), EXPLAIN_MS);
  try {
    const options = { quiet: true, signal: waiting.cancel.signal };
    const session = await post('/api/session', credentials, options);
    parts.waiting = null;
    done(session);
  } catch (error) {
    if (parts.waiting !== waiting) return;
    setText(button, words.signIn.button);
    if (error.status === 429) {
      const seconds = error.retryAfter ?? 30;
      message.dataset.tone = 'calm';
      setText(message, AGAIN(seconds));
      countDown(seconds, credentials, parts, done);
      return;
    }
    parts.waiting = null;
    button.disabled = false;
    complain(message, error.status === 401 ? words.signIn.wrong : error.message);
    password.value = '';
    password.focus();
  } finally {
    clearTimeout(explain);
  }
}

/// Ends what is waited for, if anything is.
function giveUp(parts) {
  const { waiting, button, message } = parts;
  if (waiting === null) return;
  parts.waiting = null;
  clearTimeout(waiting.timer);
  waiting.cancel.abort();
  button.disabled = false;
  setText(button, words.signIn.button);
  setText(message, '');
}

function explainWait(message) {
  message.dataset.tone = 'calm';
  setText(message, HELD);
}

function countDown(secondsLeft, credentials, parts, done) {
  const { waiting, button, message } = parts;
  // Another page is shown by now: nobody waits for this any more.
  if (!button.isConnected) return;
  if (secondsLeft <= 0) {
    attempt(credentials, parts, done);
    return;
  }
  // Read aloud at each change, so not each second.
  if (secondsLeft % 10 === 0) setText(message, AGAIN(secondsLeft));
  waiting.timer = setTimeout(() => countDown(secondsLeft - 1, credentials, parts, done), 1000);
}

function complain(message, text) {
  message.dataset.tone = 'bad';
  setText(message, text);
}
