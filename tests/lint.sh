#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Form, house rules and static analysis. Prints what is wrong; exit status 1 if anything is.
set -u
cd "$(dirname "$0")/.."
status=0
wrong() { echo "lint: $*"; status=1; }

mapfile -t c_files < <(git ls-files '*.c' '*.h')
mapfile -t js_files < <(git ls-files 'assets/*.js' 'tests/*.js' 'tests/*.mjs')

clang-format --dry-run -Werror "${c_files[@]}" 2>&1 | grep -E 'error' | cut -d: -f1 | sort -u |
    sed 's/^/lint: not in form (make fmt): /' | { ! grep .; } || status=1

# Includes point down only: http -> mcu -> mixer.
grep -nE '#include [<"](mcu/|http/|gst/|glib|microhttpd|jansson|sqlite)' mixer/*.[ch] mixer/*/*.[ch] &&
    wrong "mixer/ may include nothing of mcu/, http/, GStreamer, JSON"
grep -nE '#include [<"](http/|microhttpd|wslay)' mcu/*.[ch] && wrong "mcu/ may include nothing of http/"
grep -lE '#include <gst/' mcu/*.[ch] http/*.[ch] | grep -v '^mcu/peer' && wrong "only mcu/peer* may include GStreamer"
grep -lE 'sqlite3_' mcu/*.c http/*.c | grep -v '^mcu/store' && wrong "only mcu/store* may speak SQL"

for file in "${c_files[@]}" "${js_files[@]}"; do
    head -2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || wrong "$file: no SPDX line"
done
for file in "${js_files[@]}"; do node --check "$file" || wrong "$file: syntax"; done
git ls-files mcu mixer http | grep '\.[ch]$' | xargs wc -l | awk '$2 != "total" && $1 > 600 {print "lint: over 600 lines: " $2; bad=1} END {exit bad}' || status=1

cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,portability \
    --suppress=missingIncludeSystem --suppress=comparePointers:http/static.c --suppress=nullPointerRedundantCheck -I. -j2 mixer mcu http || wrong "cppcheck"

# -Werror here and not in the build: a newer compiler must not keep a stranger from `make run`.
flags="-std=gnu11 -D_GNU_SOURCE -DTESSERA_VERSION=__FILE__ -I. $(pkg-config --cflags libavcodec libavfilter vpx opus pangocairo glib-2.0 \
    jansson sqlite3 libsodium gstreamer-webrtc-1.0 gstreamer-app-1.0 gstreamer-rtp-1.0 gstreamer-video-1.0 libmicrohttpd)"
git ls-files 'mixer/*.c' 'mcu/*.c' 'http/*.c' |
    xargs -P "$(nproc)" -n 4 sh -c 'clang-tidy --quiet "$@" -- '"$flags"' 2>/dev/null' _ >/tmp/tidy.$$ || wrong "clang-tidy"
grep -E 'warning:|error:' /tmp/tidy.$$
rm -f /tmp/tidy.$$
[ $status -eq 0 ] && echo "lint: clean"
exit $status
