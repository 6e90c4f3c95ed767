// Picking a canned reply by typing a part of it.

import { freshId, h, setAttribute } from '../dom.js';
import { icon } from '../icons.js';
import { words } from '../words.js';

/// `load()` gives the replies, `choose(text)` takes one; `area` is where the focus goes back to.
export function buildCanned({ load, choose, area }) {
  const listId = freshId('replies');
  const filter = h('input', {
    type: 'text',
    class: 'canned-filter',
    id: 'canned-filter',
    role: 'combobox',
    placeholder: words.reply.filter,
    'aria-label': words.reply.filter,
    'aria-expanded': 'true',
    'aria-controls': listId,
    'aria-autocomplete': 'list',
    autocomplete: 'off',
  });
  const list = h('ul', {
    id: listId,
    role: 'listbox',
    class: 'canned-list',
    'aria-label': words.reply.canned,
  });
  const none = h('p', { class: 'canned-none', role: 'status' });
  const box = h('div', { class: 'canned-box', hidden: true }, filter, list, none);
  const button = h(
    'button',
    {
      type: 'button',
      id: 'canned',
      class: 'button',
      'aria-expanded': 'false',
      title: 'Alt+R',
      'aria-keyshortcuts': 'Alt+R',
    },
    icon('replies'),
    h('span', { class: 'wide-only' }, words.reply.canned),
  );
  const canned = { filter, list, none, box, button, choose, load, area, replies: [], found: [], active: 0 };
  button.addEventListener('click', () => (box.hidden ? open(canned) : close(canned)));
  filter.addEventListener('input', () => show(canned));
  filter.addEventListener('keydown', (event) => key(canned, event));
  list.addEventListener('pointerdown', (event) => {
    event.preventDefault();
    const option = event.target.closest('[data-index]');
    if (option !== null) take(canned, Number(option.dataset.index));
  });
  box.addEventListener('focusout', (event) => {
    if (!box.contains(event.relatedTarget) && event.relatedTarget !== button) hide(canned);
  });
  const shortcut = (event) => {
    if (!event.altKey || event.code !== 'KeyR' || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    button.click();
  };
  document.addEventListener('keydown', shortcut);
  return {
    node: h('div', { class: 'canned' }, button, box),
    leave: () => document.removeEventListener('keydown', shortcut),
  };
}

async function open(canned) {
  canned.box.hidden = false;
  setAttribute(canned.button, 'aria-expanded', 'true');
  canned.filter.value = '';
  canned.filter.focus();
  show(canned);
  try {
    canned.replies = await canned.load();
  } catch (error) {
    canned.none.textContent = error.message;
    return;
  }
  show(canned);
}

function hide(canned) {
  canned.box.hidden = true;
  setAttribute(canned.button, 'aria-expanded', 'false');
}

function close(canned) {
  hide(canned);
  canned.area.focus();
}

function show(canned) {
  const wanted = canned.filter.value.trim().toLowerCase();
  canned.found = canned.replies.filter((reply) =>
    `${reply.title}\n${reply.text}`.toLowerCase().includes(wanted),
  );
  canned.active = 0;
  const options = canned.found.map((reply, index) =>
    h(
      'li',
      { role: 'option', id: `${canned.list.id}-${index}`, 'data-index': index, 'aria-selected': 'false' },
      h('strong', { dir: 'auto' }, reply.title),
      h('span', { dir: 'auto' }, reply.text),
    ),
  );
  canned.list.replaceChildren(...options);
  canned.none.textContent =
    options.length > 0 ? '' : canned.replies.length === 0 ? words.reply.noneYet : words.reply.none;
  highlight(canned);
}

function highlight(canned) {
  [...canned.list.children].forEach((option, index) =>
    setAttribute(option, 'aria-selected', String(index === canned.active)),
  );
  const option = canned.list.children[canned.active];
  setAttribute(canned.filter, 'aria-activedescendant', option?.id);
  option?.scrollIntoView({ block: 'nearest' });
}

function key(canned, event) {
  const count = canned.found.length;
  if (event.key === 'Escape') {
    close(canned);
  } else if (event.key === 'Enter') {
    if (count > 0) take(canned, canned.active);
  } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && count > 0) {
    canned.active = (canned.active + (event.key === 'ArrowDown' ? 1 : -1) + count) % count;
    highlight(canned);
  } else {
    return;
  }
  event.preventDefault();
}

function take(canned, index) {
  hide(canned);
  canned.choose(canned.found[index].text);
}
