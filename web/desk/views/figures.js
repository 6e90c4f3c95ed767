import { h } from '../dom.js';
export function figuresView() {
  return { title: 'figures', node: h('div', { class: 'page' }, h('h1', {}, 'figures')) };
}
