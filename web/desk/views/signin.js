// Signing in, by password or through another service.

import { post } from '../api.js';
import { h, setText } from '../dom.js';
import { logo } from '../icons.js';
import { state } from '../state.js';
import { words } from '../words.js';

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
  const parts = { name, password, button, message };
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

async function submit(event, parts, done) {
  event.preventDefault();
  const { name, password, button, message } = parts;
  if (button.disabled) return;
  if (name.value.trim() === '' || password.value === '') {
    complain(message, words.signIn.empty);
    (name.value.trim() === '' ? name : password).focus();
    return;
  }
  button.disabled = true;
  setText(button, words.signIn.busy);
  setText(message, '');
  try {
    done(await post('/api/session', { name: name.value.trim(), password: password.value }, { quiet: true }));
  } catch (error) {
    setText(button, words.signIn.button);
    if (error.status === 429) {
      countDown(parts, error.retryAfter ?? 30);
      return;
    }
    button.disabled = false;
    complain(message, error.status === 401 ? words.signIn.wrong : error.message);
    password.value = '';
    password.focus();
  }
}

function complain(message, text) {
  message.dataset.tone = 'bad';
  setText(message, text);
}

function countDown(parts, secondsLeft) {
  if (!parts.button.isConnected) return;
  if (secondsLeft <= 0) {
    parts.button.disabled = false;
    setText(parts.message, '');
    return;
  }
  parts.button.disabled = true;
  complain(parts.message, words.signIn.wait(secondsLeft));
  setTimeout(() => countDown(parts, secondsLeft - 1), 1000);
}
