// Users of the desk: an admin adds them, changes what they may do, and gives them new passwords.

import { get, patch, post, remove, withQuery } from '../api.js';
import { boardNow } from '../board.js';
import { confirmButton } from '../confirm.js';
import { field, formDialog } from '../dialogs.js';
import { h } from '../dom.js';
import { allLanguages, nameOf } from '../languages.js';
import { belongsTo, state } from '../state.js';
import { say } from '../toast.js';
import { words } from '../words.js';

const WORDS = words.users;
const PASSWORD_MAX = 200;

export async function usersView() {
  const page = { body: h('tbody', { id: 'users' }), users: await get('/api/users') };
  const add = h(
    'button',
    { type: 'button', class: 'button primary', id: 'add-user', onclick: () => edit(page, null) },
    WORDS.add,
  );
  const columns = [WORDS.name, WORDS.role, WORDS.worker, WORDS.language, WORDS.state].map((text) =>
    h('th', { scope: 'col' }, text),
  );
  const head = h('thead', {}, h('tr', {}, columns, h('td', {})));
  const node = h(
    'div',
    { class: 'page' },
    h('div', { class: 'page-head' }, h('h1', {}, WORDS.title), h('span', { class: 'spring' }), add),
    h(
      'div',
      { class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': WORDS.title },
      h('table', { class: 'lines users' }, h('caption', { class: 'hidden' }, WORDS.title), head, page.body),
    ),
  );
  show(page);
  return { title: WORDS.title, node };
}

function show(page) {
  page.body.replaceChildren(...page.users.map((user) => row(page, user)));
}

async function reload(page) {
  page.users = await get('/api/users');
  show(page);
}

function row(page, user) {
  const me = user.name === state.user.name;
  const about = user.disabled ? WORDS.disabled : user.oidc ? WORDS.oidc : WORDS.active;
  return h(
    'tr',
    { 'data-user': user.name, class: user.disabled ? 'user-off' : '' },
    h('th', { scope: 'row' }, user.name, me ? h('span', { class: 'you' }, `(${WORDS.you})`) : null),
    h('td', {}, WORDS.roles[user.role] ?? user.role),
    h('td', {}, user.worker ?? '–'),
    h('td', {}, user.language === null ? '–' : nameOf(user.language)),
    h('td', {}, about),
    h('td', {}, buttons(page, user, me)),
  );
}

function buttons(page, user, me) {
  const path = `/api/users/${encodeURIComponent(user.name)}`;
  const attempt = async (action, told) => {
    try {
      await action();
      say(told);
      await reload(page);
    } catch (error) {
      say(error.message, 'bad');
    }
  };
  const named = (text) => `${text}: ${user.name}`;
  const change = h(
    'button',
    {
      type: 'button',
      class: 'button small',
      'aria-label': named(WORDS.edit),
      onclick: () => edit(page, user),
    },
    WORDS.edit,
  );
  const reset = user.oidc
    ? null
    : h(
        'button',
        {
          type: 'button',
          class: 'button small',
          'aria-label': named(WORDS.reset),
          onclick: () => password(path, user),
        },
        WORDS.reset,
      );
  const off = h(
    'button',
    {
      type: 'button',
      class: 'button small',
      'aria-label': named(user.disabled ? WORDS.enable : WORDS.disable),
      onclick: () => {
        const change = (calls) => patch(path, { disabled: !user.disabled, ...calls });
        if (user.disabled || !isTalking(user)) attempt(() => change({}), WORDS.saved);
        else askAboutCall(page, user, WORDS.talking.disable, (calls) => change({ calls }), WORDS.saved);
      },
    },
    user.disabled ? WORDS.enable : WORDS.disable,
  );
  const erase = confirmButton({
    label: WORDS.remove,
    sure: WORDS.removeSure,
    class: 'danger quiet small',
    act: async () => {
      if (!isTalking(user)) await attempt(() => remove(path), WORDS.removed);
      else askAboutCall(page, user, WORDS.talking.remove, (calls) => remove(withQuery(path, { calls })), WORDS.removed);
    },
  });
  return h('div', { class: 'row-buttons' }, change, reset, me ? null : [off, erase]);
}

function password(path, user) {
  const input = passwordInput(true);
  const choice = isTalking(user) ? callChoice() : null;
  const save = async () => {
    await patch(path, { password: input.value, ...(choice === null ? {} : { calls: choice.value() }) });
    say(WORDS.saved);
  };
  const fields = [field(WORDS.password, input), choice?.node ?? null];
  formDialog({ title: `${WORDS.reset}: ${user.name}`, fields, save });
}

/// Whether a user has a conversation that goes on at the desk.
function isTalking(user) {
  const own = (call) => call.phase === 'conversation' && belongsTo(call, user);
  return state.desk.agent_dial === 'desk' && boardNow().calls.some(own);
}

/// What becomes of a conversation whose agent may work here no more: it goes on, unless somebody wants it otherwise.
function callChoice() {
  const options = ['after', 'now'].map((value) => {
    const input = h('input', { type: 'radio', name: 'calls', value, id: `calls-${value}`, checked: value === 'after' });
    return { input, node: h('label', { class: 'choice' }, input, h('span', {}, WORDS.talking[value])) };
  });
  const node = h(
    'fieldset',
    { class: 'choices' },
    h('legend', {}, WORDS.talking.text),
    options.map((option) => option.node),
  );
  return { node, value: () => options.find((option) => option.input.checked).input.value };
}

function askAboutCall(page, user, label, act, told) {
  const choice = callChoice();
  const save = async () => {
    await act(choice.value());
    say(told);
    await reload(page);
  };
  formDialog({ title: WORDS.talking.title(user.name), fields: choice.node, save, label });
}

function passwordInput(required) {
  return h('input', {
    type: 'password',
    id: 'user-password',
    autocomplete: 'new-password',
    required,
    maxlength: PASSWORD_MAX,
  });
}

function edit(page, user) {
  const name = h('input', {
    type: 'text',
    id: 'user-name',
    required: true,
    maxlength: 100,
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const role = h(
    'select',
    { id: 'user-role' },
    Object.entries(WORDS.roles).map(([value, text]) =>
      h('option', { value, selected: value === (user?.role ?? 'agent') }, text),
    ),
  );
  const worker = h('input', {
    type: 'text',
    id: 'user-worker',
    maxlength: 120,
    autocomplete: 'off',
    spellcheck: 'false',
    value: user?.worker ?? '',
  });
  const language = languageSelect('user-language', user?.language ?? null, WORDS.noLanguage);
  const signOn = h('input', {
    type: 'text',
    id: 'user-sign-on',
    maxlength: 260,
    autocomplete: 'off',
    spellcheck: 'false',
    value: user?.sign_on ?? '',
  });
  const secret = passwordInput(state.desk.oidc === null);
  const save = async () => {
    const body = { role: role.value, worker: worker.value.trim() || null, language: language.value || null };
    // Writing it ends the link there was, so it is left out unless it changes.
    if (signOn.value.trim() !== (user?.sign_on ?? '')) body.sign_on = signOn.value.trim() || null;
    if (user === null)
      await post('/api/users', { name: name.value.trim(), password: secret.value || null, ...body });
    else await patch(`/api/users/${encodeURIComponent(user.name)}`, body);
    say(WORDS.saved);
    await reload(page);
  };
  const own = [
    field(WORDS.role, role),
    field(WORDS.worker, worker, WORDS.workerHelp),
    field(WORDS.language, language),
    state.desk.oidc === null ? [] : field(WORDS.signOn, signOn, WORDS.signOnHelp),
  ].flat();
  const fields = user === null ? [field(WORDS.name, name), field(WORDS.password, secret), ...own] : own;
  formDialog({ title: user === null ? WORDS.add : WORDS.editTitle(user.name), fields, save });
}

/// A plain choice of languages, the names in English.
export function languageSelect(id, chosen, none) {
  const sorted = [...allLanguages()].sort((a, b) => a.name.localeCompare(b.name));
  return h(
    'select',
    { id },
    h('option', { value: '' }, none),
    sorted.map((one) => h('option', { value: one.tag, selected: one.tag === chosen }, one.name)),
  );
}
