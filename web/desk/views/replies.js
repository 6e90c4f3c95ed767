// Canned replies: one's own, and those of everybody, which supervisors keep.

import { get, post, put, remove } from '../api.js';
import { confirmButton } from '../confirm.js';
import { field, formDialog } from '../dialogs.js';
import { h } from '../dom.js';
import { mayAs } from '../state.js';
import { say } from '../toast.js';
import { words } from '../words.js';

const WORDS = words.replies;

export async function repliesView() {
  const page = {
    own: h('ul', { class: 'cards', id: 'own-replies' }),
    shared: h('ul', { class: 'cards', id: 'shared-replies' }),
    replies: await get('/api/replies'),
  };
  const add = h(
    'button',
    { type: 'button', class: 'button primary', id: 'add-reply', onclick: () => edit(page, null) },
    WORDS.add,
  );
  const node = h(
    'div',
    { class: 'page narrow' },
    h('div', { class: 'page-head' }, h('h1', {}, WORDS.title), h('span', { class: 'spring' }), add),
    h('p', { class: 'lead' }, WORDS.lead),
    h('section', { class: 'block' }, h('h2', {}, WORDS.own), page.own),
    h('section', { class: 'block' }, h('h2', {}, WORDS.shared), page.shared),
  );
  show(page);
  return { title: WORDS.title, node };
}

async function reload(page) {
  page.replies = await get('/api/replies');
  show(page);
}

function show(page) {
  fill(
    page,
    page.own,
    page.replies.filter((reply) => !reply.shared),
    true,
  );
  fill(
    page,
    page.shared,
    page.replies.filter((reply) => reply.shared),
    mayAs('supervisor'),
  );
}

function fill(page, list, replies, mayChange) {
  const items = replies.map((reply) =>
    h(
      'li',
      { 'data-reply': reply.id },
      h(
        'div',
        { class: 'card-text' },
        h('h3', { dir: 'auto' }, reply.title),
        h('p', { dir: 'auto' }, reply.text),
      ),
      mayChange ? buttons(page, reply) : null,
    ),
  );
  list.replaceChildren(...(items.length > 0 ? items : [h('li', { class: 'user-off' }, WORDS.none)]));
}

function buttons(page, reply) {
  const change = h(
    'button',
    {
      type: 'button',
      class: 'button small',
      'aria-label': WORDS.editLabel(reply.title),
      onclick: () => edit(page, reply),
    },
    WORDS.edit,
  );
  const act = async () => {
    try {
      await remove(`/api/replies/${encodeURIComponent(reply.id)}`);
      say(WORDS.removed);
      await reload(page);
    } catch (error) {
      say(error.message, 'bad');
    }
  };
  const erase = confirmButton({
    label: WORDS.remove,
    sure: WORDS.removeSure,
    class: 'danger quiet small',
    act,
  });
  return h('div', { class: 'card-buttons' }, change, erase);
}

function edit(page, reply) {
  const title = h('input', {
    type: 'text',
    id: 'reply-title',
    required: true,
    maxlength: 100,
    value: reply?.title ?? '',
    dir: 'auto',
  });
  const text = h('textarea', { id: 'reply-text', required: true, maxlength: 1000, dir: 'auto' });
  text.value = reply?.text ?? '';
  const shared = h('input', { type: 'checkbox', id: 'reply-shared', checked: reply?.shared ?? false });
  const save = async () => {
    const body = { title: title.value.trim(), text: text.value.trim(), shared: shared.checked };
    if (reply === null) await post('/api/replies', body);
    else await put(`/api/replies/${encodeURIComponent(reply.id)}`, body);
    say(WORDS.saved);
    await reload(page);
  };
  const forAll = mayAs('supervisor') ? h('label', { class: 'check' }, shared, WORDS.isShared) : null;
  formDialog({
    title: reply === null ? WORDS.add : WORDS.edit,
    fields: [field(WORDS.name, title), field(WORDS.text, text), forAll],
    save,
  });
}
