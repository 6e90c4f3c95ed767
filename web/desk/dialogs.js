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

/// Asks a question; resolves to the value of the choice that was made, or to `null` if it was closed. `choices` are
/// `{ value, label, tone }`, `tone` a class of the button; the first has the focus.
export function choiceDialog({ id, title, text, choices }) {
  return new Promise((resolve) => {
    const titleId = freshId('dialog');
    const textId = freshId('dialog');
    let chosen = null;
    const buttons = choices.map(({ value, label, tone }) =>
      h(
        'button',
        {
          type: 'button',
          class: `button ${tone ?? ''}`,
          'data-choice': value,
          onclick: () => {
            chosen = value;
            dialog.close();
          },
        },
        label,
      ),
    );
    const dialog = h(
      'dialog',
      { class: 'dialog asks', id, role: 'alertdialog', 'aria-labelledby': titleId, 'aria-describedby': textId },
      h('h2', { id: titleId }, title),
      h('p', { id: textId }, text),
      h('div', { class: 'dialog-buttons' }, buttons),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(chosen);
    });
    document.body.append(dialog);
    dialog.showModal();
    buttons[0].focus();
  });
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
