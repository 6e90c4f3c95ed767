// A language chosen by typing: a field with a list below it, after the combobox pattern of the ARIA authoring practices.

import { freshId, h, setAttribute } from './dom.js';
import { allLanguages, matches, nameOf, nativeOf, speak } from './languages.js';
import { words } from './words.js';

/// `choose(tag)` is called when somebody has chosen; the returned `set(tag)` shows what is so.
export function languagePicker({ id, label, choose }) {
  const listId = freshId('languages');
  const input = h('input', {
    id,
    class: 'picker-input',
    role: 'combobox',
    type: 'text',
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-label': label,
    'aria-expanded': 'false',
    'aria-autocomplete': 'list',
    'aria-controls': listId,
  });
  const list = h('ul', {
    id: listId,
    class: 'picker-list',
    role: 'listbox',
    'aria-label': label,
    hidden: true,
  });
  const picker = { input, list, tag: null, active: -1, found: [], choose };
  input.addEventListener('focus', () => input.select());
  input.addEventListener('click', () => open(picker, ''));
  input.addEventListener('input', () => open(picker, input.value));
  input.addEventListener('keydown', (event) => key(picker, event));
  input.addEventListener('blur', () => close(picker));
  list.addEventListener('pointerdown', (event) => press(picker, event));
  return {
    node: h('div', { class: 'picker' }, input, list),
    input,
    set: (tag) => show(picker, tag),
  };
}

function show(picker, tag) {
  if (picker.tag === tag) return;
  picker.tag = tag;
  if (picker.list.hidden) write(picker);
}

function write(picker) {
  picker.input.value = nativeOf(picker.tag);
  setAttribute(picker.input, 'title', nameOf(picker.tag));
  speak(picker.input, picker.tag);
}

function open(picker, typed) {
  const wanted = typed === nativeOf(picker.tag) ? '' : typed;
  picker.found = allLanguages().filter((language) => wanted === '' || matches(language, wanted));
  picker.active =
    wanted === ''
      ? picker.found.findIndex((language) => language.tag === picker.tag)
      : picker.found.length > 0
        ? 0
        : -1;
  picker.list.replaceChildren(...picker.found.map((language, index) => option(picker, language, index)));
  if (picker.found.length === 0)
    picker.list.append(
      h('li', { class: 'picker-none', role: 'option', 'aria-disabled': 'true' }, words.controls.noMatch),
    );
  picker.list.hidden = false;
  setAttribute(picker.input, 'aria-expanded', 'true');
  picker.input.dir = 'auto';
  highlight(picker);
}

function option(picker, language, index) {
  const native = speak(h('span', { class: 'picker-native' }, language.native), language.tag);
  const name = language.name === language.native ? null : h('span', { class: 'picker-name' }, language.name);
  const chosen = language.tag === picker.tag;
  return h(
    'li',
    {
      role: 'option',
      id: `${picker.list.id}-${index}`,
      'data-index': index,
      'data-tag': language.tag,
      'aria-selected': String(chosen),
    },
    native,
    name,
  );
}

function highlight(picker) {
  picker.list.querySelector('.active')?.classList.remove('active');
  const option = picker.active < 0 ? null : picker.list.children[picker.active];
  setAttribute(picker.input, 'aria-activedescendant', option?.id);
  if (!option) return;
  option.classList.add('active');
  option.scrollIntoView({ block: 'nearest' });
}

function key(picker, event) {
  const shown = !picker.list.hidden;
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    if (!shown) open(picker, '');
    else move(picker, event.key === 'ArrowDown' ? 1 : -1);
  } else if (event.key === 'Enter') {
    event.preventDefault();
    if (shown && picker.active >= 0) take(picker, picker.found[picker.active]);
  } else if (event.key === 'Escape' && shown) {
    event.preventDefault();
    close(picker);
    picker.input.select();
  }
}

function move(picker, step) {
  const count = picker.found.length;
  if (count === 0) return;
  picker.active = picker.active < 0 ? (step > 0 ? 0 : count - 1) : (picker.active + step + count) % count;
  highlight(picker);
}

function press(picker, event) {
  event.preventDefault();
  const option = event.target.closest('[data-index]');
  if (option !== null) take(picker, picker.found[Number(option.dataset.index)]);
}

function take(picker, language) {
  const changed = language.tag !== picker.tag;
  picker.tag = language.tag;
  close(picker);
  if (changed) picker.choose(language.tag);
}

function close(picker) {
  picker.list.hidden = true;
  setAttribute(picker.input, 'aria-expanded', 'false');
  setAttribute(picker.input, 'aria-activedescendant', null);
  write(picker);
}
