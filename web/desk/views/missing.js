// What is shown where there is nothing, or where it could not be had.

import { h } from '../dom.js';
import { words } from '../words.js';

export function missingView(error) {
  const node = h(
    'section',
    { class: 'empty page', id: 'missing' },
    h('h1', {}, words.missing.title),
    h('p', {}, error?.status === 403 ? error.message : words.missing.text),
    h('p', {}, h('a', { class: 'button', href: '/desk' }, words.missing.home)),
  );
  return { title: words.missing.title, node };
}

export function troubleView(error, again) {
  const node = h(
    'section',
    { class: 'empty page', id: 'trouble' },
    h('h1', {}, words.errors.title),
    h('p', { role: 'alert' }, error.message),
    h('p', {}, h('button', { type: 'button', class: 'button primary', onclick: again }, words.errors.again)),
  );
  return { title: words.errors.title, node };
}
