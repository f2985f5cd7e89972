// SPDX-License-Identifier: MIT
// Light or dark: the system's until the person chooses.
import { storageGet, storageSet } from './storage.js';

const GROUNDS = { light: '#f4f0e7', dark: '#12171b' };

function themeApply(theme) {
  document.documentElement.dataset.theme = theme;
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', GROUNDS[theme]);
}

export function themeInit() {
  themeApply(document.documentElement.dataset.theme || 'light');
  const system = matchMedia('(prefers-color-scheme: dark)');
  system.addEventListener('change', () => {
    if (!storageGet('theme')) themeApply(system.matches ? 'dark' : 'light');
  });
  for (const button of document.querySelectorAll('[data-theme-toggle]')) {
    button.addEventListener('click', () => {
      const theme = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
      storageSet('theme', theme);
      themeApply(theme);
    });
  }
}
