// Elements without markup: everything that is shown goes through here, and text is always text.

const PROPERTIES = new Set([
  'value',
  'checked',
  'disabled',
  'hidden',
  'selected',
  'required',
  'readOnly',
  'textContent',
]);
const SVG = 'http://www.w3.org/2000/svg';

/// An element; `props` are attributes, some properties, and `on<event>` listeners; children may be nested or absent.
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  append(element, children);
  return element;
}

/// The same for SVG, where everything is an attribute.
export function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  append(element, children);
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined) return;
  if (name.startsWith('on') && typeof value === 'function') element.addEventListener(name.slice(2), value);
  else if (name === 'class') element.className = value;
  else if (PROPERTIES.has(name)) element[name] = value;
  else if (value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? '' : String(value));
}

export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/// Changes text only if it differs, so that nothing is laid out or announced for nothing.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, String(value));
  }
}

export function toggle(element, name, on) {
  if (element.classList.contains(name) !== Boolean(on)) element.classList.toggle(name, Boolean(on));
}

/// Arrow keys, Home and End move the focus among what `selector` finds inside `container`.
export function arrows(container, selector) {
  container.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || event.target.matches('input, textarea, select')) return;
    const items = [...container.querySelectorAll(selector)].filter((item) => item.offsetParent !== null);
    if (items.length === 0) return;
    const here = items.indexOf(document.activeElement);
    if (here < 0 && !Number.isFinite(step)) return;
    event.preventDefault();
    const next = Math.min(items.length - 1, Math.max(0, here < 0 ? 0 : here + step));
    items[next].focus();
  });
}

let numbered = 0;

/// An `id` that no other element has.
export function freshId(prefix) {
  numbered += 1;
  return `${prefix}-${numbered}`;
}
