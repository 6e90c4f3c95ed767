// One's own account: appearance, password, who one is.

import { patch, put } from '../api.js';
import { field } from '../dialogs.js';
import { h, setText } from '../dom.js';
import { nameOf } from '../languages.js';
import { mayAs, state } from '../state.js';
import { say } from '../toast.js';
import { words } from '../words.js';
import { languageSelect } from './users.js';

const WORDS = words.profile;
const THEME = 'duologue.theme';

export function profileView() {
  const { user } = state;
  const node = h(
    'div',
    { class: 'page narrow' },
    h('h1', {}, WORDS.title),
    account(user),
    appearance(),
    user.oidc
      ? h('section', { class: 'block' }, h('h2', {}, WORDS.password), h('p', {}, WORDS.oidc))
      : password(user),
  );
  return { title: WORDS.title, node };
}

function account(user) {
  const facts = [
    [words.users.name, user.name],
    [words.users.role, words.users.roles[user.role] ?? user.role],
    [words.users.worker, user.worker ?? '–'],
    [words.users.language, user.language === null ? words.users.noLanguage : nameOf(user.language)],
  ];
  const list = h(
    'dl',
    { class: 'facts' },
    facts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
  );
  return h(
    'section',
    { class: 'block form' },
    h('h2', {}, WORDS.account),
    list,
    mayAs('admin') ? language(user) : null,
  );
}

/// Users are changed through the admins' route, so only they may change their own language here.
function language(user) {
  const select = languageSelect('own-language', user.language, words.users.noLanguage);
  select.addEventListener('change', async () => {
    try {
      await patch(`/api/users/${encodeURIComponent(user.name)}`, { language: select.value || null });
      user.language = select.value || null;
      say(words.users.saved);
    } catch (error) {
      select.value = user.language ?? '';
      say(error.message, 'bad');
    }
  });
  return field(WORDS.language, select);
}

function appearance() {
  const chosen = document.documentElement.dataset.theme ?? 'system';
  const segments = Object.entries(WORDS.themes).map(([value, text]) => {
    const input = h('input', {
      type: 'radio',
      name: 'theme',
      value,
      id: `theme-${value}`,
      checked: value === chosen,
    });
    input.addEventListener('change', () => choose(value));
    return h('label', { class: 'segment' }, input, h('span', {}, text));
  });
  return h(
    'section',
    { class: 'block form' },
    h('h2', { id: 'theme-title' }, WORDS.theme),
    h('div', { class: 'segments', role: 'radiogroup', 'aria-labelledby': 'theme-title' }, segments),
  );
}

function choose(value) {
  const root = document.documentElement;
  if (value === 'system') delete root.dataset.theme;
  else root.dataset.theme = value;
  try {
    if (value === 'system') localStorage.removeItem(THEME);
    else localStorage.setItem(THEME, value);
  } catch {
    // Kept for this page only, then.
  }
}

function password(user) {
  const input = (id, autocomplete) =>
    h('input', { type: 'password', id, autocomplete, required: true, maxlength: 1000 });
  const old = input('old-password', 'current-password');
  const fresh = input('new-password', 'new-password');
  const again = input('new-password-again', 'new-password');
  const message = h('p', { class: 'message', role: 'alert' });
  const form = h(
    'form',
    { class: 'block form' },
    h('h2', {}, WORDS.password),
    h('input', {
      class: 'hidden',
      type: 'text',
      name: 'username',
      autocomplete: 'username',
      value: user.name,
      tabindex: '-1',
      'aria-hidden': 'true',
      readOnly: true,
    }),
    field(WORDS.old, old),
    field(WORDS.new, fresh),
    field(WORDS.repeat, again),
    message,
    h(
      'div',
      {},
      h('button', { type: 'submit', class: 'button primary', id: 'change-password' }, WORDS.change),
    ),
  );
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    message.dataset.tone = 'bad';
    setText(message, fresh.value === again.value ? '' : WORDS.differs);
    if (fresh.value !== again.value) return;
    try {
      await put('/api/session/password', { old: old.value, new: fresh.value });
      form.reset();
      say(WORDS.changed);
    } catch (error) {
      setText(message, error.message);
    }
  });
  return form;
}
