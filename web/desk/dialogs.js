// A form in a dialog: fields, an error, save and cancel; the focus goes back where it was.

import { freshId, h, setText } from './dom.js';
import { words } from './words.js';

/// `save()` may throw; what it says is shown and the dialog stays open.
export function formDialog({ title, fields, save, label }) {
  const titleId = freshId('dialog');
  const message = h('p', { class: 'message', role: 'alert' });
  const button = h(
    'button',
    { type: 'submit', class: 'button primary', 'data-test': 'save' },
    label ?? words.replies.save,
  );
  const cancel = h('button', { type: 'button', class: 'button' }, words.replies.cancel);
  const form = h(
    'form',
    {},
    h('h2', { id: titleId }, title),
    fields,
    message,
    h('div', { class: 'dialog-buttons' }, cancel, button),
  );
  const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': titleId }, form);
  cancel.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => dialog.remove());
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    setText(message, '');
    try {
      await save();
      dialog.close();
    } catch (error) {
      message.dataset.tone = 'bad';
      setText(message, error.message);
    }
    button.disabled = false;
  });
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector('input, textarea, select')?.focus();
}

export function field(label, control, help) {
  return h(
    'label',
    { class: 'field' },
    h('span', {}, label),
    control,
    help ? h('span', { class: 'help' }, help) : null,
  );
}
