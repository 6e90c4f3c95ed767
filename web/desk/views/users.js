import { h } from '../dom.js';
export function usersView() {
  return { title: 'users', node: h('div', { class: 'page' }, h('h1', {}, 'users')) };
}
