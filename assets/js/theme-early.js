// SPDX-License-Identifier: MIT
// A classic script in the head, so that no page is ever painted in the wrong theme first.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem('tessera.theme'); } catch { /* storage may be forbidden */ }
  const isDark = chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
})();
