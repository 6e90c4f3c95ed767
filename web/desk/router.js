// Paths under /desk and the views that belong to them; the History API, so that addresses can be kept and shared.

const routes = [];
let show = () => {};

/// `pattern` is a path in which `:name` stands for one segment.
export function route(pattern, view) {
  const names = [];
  const expression = pattern.replace(/:(\w+)/g, (_, name) => {
    names.push(name);
    return '([^/]+)';
  });
  routes.push({ expression: new RegExp(`^${expression}/?$`), names, view });
}

/// `action(view, place)` shows a view; `view` is `null` for a path that nothing belongs to.
export function start(action) {
  show = action;
  addEventListener('popstate', () => follow(true));
  document.addEventListener('click', intercept);
  follow(false);
}

export function navigate(path) {
  if (path !== location.pathname + location.search) history.pushState(null, '', path);
  follow(true);
}

/// Changes the query of the present address without showing the view anew.
export function replaceQuery(values) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, String(value));
  }
  const text = query.toString();
  history.replaceState(null, '', location.pathname + (text === '' ? '' : `?${text}`));
}

/// Shows what the address says, again if need be.
export function follow(moved) {
  const place = { path: location.pathname, params: {}, query: new URLSearchParams(location.search), moved };
  for (const { expression, names, view } of routes) {
    const match = expression.exec(location.pathname);
    if (match === null) continue;
    names.forEach((name, index) => {
      place.params[name] = decode(match[index + 1]);
    });
    show(view, place);
    return;
  }
  show(null, place);
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function intercept(event) {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
  if (link === null || link.target !== '' || link.hasAttribute('download')) return;
  const address = new URL(link.href, location.href);
  const ours = address.pathname === '/desk' || address.pathname.startsWith('/desk/');
  if (address.origin !== location.origin || !ours || address.hash !== '') return;
  event.preventDefault();
  navigate(address.pathname + address.search);
}
