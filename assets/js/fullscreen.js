// SPDX-License-Identifier: MIT
// Full screen: the page where the browser can, the bare picture on an iPhone. The controls go away while
// nothing moves.

const IDLE_MS = 3000;

// onChange(isFull). Returns {toggle, isPossible, close}.
export function fullscreenInit(call, video, onChange) {
  const root = document.documentElement;
  let timer = 0;
  const wake = () => {
    call.classList.remove('is-idle');
    clearTimeout(timer);
    if (document.fullscreenElement) timer = setTimeout(() => call.classList.add('is-idle'), IDLE_MS);
  };
  const change = () => {
    call.classList.toggle('is-fullscreen', Boolean(document.fullscreenElement));
    wake();
    onChange(Boolean(document.fullscreenElement));
  };
  document.addEventListener('fullscreenchange', change);
  for (const type of ['pointermove', 'pointerdown', 'keydown']) document.addEventListener(type, wake, { passive: true });
  return {
    isPossible: Boolean((root.requestFullscreen && document.fullscreenEnabled) || video.webkitEnterFullscreen),
    toggle() {
      if (document.fullscreenElement) document.exitFullscreen();
      else if (root.requestFullscreen) root.requestFullscreen().catch(() => {});
      else video.webkitEnterFullscreen?.();
    },
    close() {
      clearTimeout(timer);
      document.removeEventListener('fullscreenchange', change);
      for (const type of ['pointermove', 'pointerdown', 'keydown']) document.removeEventListener(type, wake);
      call.classList.remove('is-idle');
      if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    },
  };
}
