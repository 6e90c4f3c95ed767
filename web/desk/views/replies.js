import { h } from '../dom.js';
export function repliesView() {
  return { title: 'replies', node: h('div', { class: 'page' }, h('h1', {}, 'replies')) };
}
