import { h } from '../dom.js';
export function profileView() {
  return { title: 'profile', node: h('div', { class: 'page' }, h('h1', {}, 'profile')) };
}
