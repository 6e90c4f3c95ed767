// A classic script in the head: the chosen theme must stand before the first paint.
(function () {
  let chosen = null;
  try {
    chosen = localStorage.getItem('duologue.theme');
  } catch {
    // Storage may be refused; the system's theme is used then.
  }
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
})();
