// SPDX-License-Identifier: MIT
// Copying a link, also where the browser does not let scripts do it.
import { toast } from './toast.js';

// field: an input that holds the text, to fall back on; or null. True if it was copied.
export async function clipboardCopy(text, field, words = 'The link is copied. Send it to whoever should come.') {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // no permission, or not https: the old way
    field?.select();
    if (!field || !document.execCommand('copy')) {
      toast(field ? 'Copying is not allowed here. The link is selected: copy it with the keyboard.' : `Copying is not allowed here: ${text}`, { kind: 'error' });
      return false;
    }
  }
  toast(words, { iconName: 'check' });
  return true;
}
