#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the tests stage by stage: tests/run.sh all|unit|peer|asan|tsan|fuzz|e2e|lint
# Each runner's own output is shown; the totals of all of them stand at the end.
set -u
cd "$(dirname "$0")/.."

jobs=$(nproc)
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
broken=()

build() { make --no-print-directory -j"$jobs" "$@" >"$logs/build" 2>&1 || { cat "$logs/build"; return 1; }; }

# A program that hangs must not take the whole run with it.
program() { # name program [arguments]: one cmocka program
    local name=$1; shift
    echo "---- $name"
    timeout --kill-after=10 "${PROGRAM_TIMEOUT:-240}" "$@" >"$logs/${name//[\/ ]/_}.cmocka" 2>&1
    local status=$?
    grep -vE '^\[ (RUN|      OK) ' "$logs/${name//[\/ ]/_}.cmocka"
    [ $status -eq 0 ] || { broken+=("$name (exit status $status)"); tail -25 "$logs/${name//[\/ ]/_}.cmocka" >>"$logs/last_words"; }
}

unit_in() { # build directory
    local each
    for each in "$1"/tests/unit/test_*; do
        [ -x "$each" ] && [ -f "$each" ] && [[ $each != *.* ]] && program "$each" "$each"
    done
}

peer_in() { # build directory, that of the server, programs
    local client=$1 server=$2 each
    shift 2
    for each in "${@/#/$client/tests/peer/test_}"; do
        TESSERA_BINARY=$server/tessera TESSERA_PEER=$client/tests/peer/peer TESSERA_LINK=$client/tests/link/link \
            program "$each with $server/tessera" "$each"
    done
}

stage_unit() {
    build all unit-programs || { broken+=("build"); return; }
    unit_in build
}

stage_peer() {
    build all peer-programs || { broken+=("build of the peer tests"); return; }
    # Hostile clients are for the build that notices the slightest slip; see stage_asan.
    peer_in build build call life room viewers
    # What a bad link leaves is a matter of seconds, and of a server that runs at its full speed.
    PROGRAM_TIMEOUT=480 peer_in build build link
}

stage_asan() {
    { build peer-programs && build BUILD=build/asan SANITIZE=address,undefined all unit-programs; } ||
        { broken+=("build with ASan"); return; }
    export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=1
    export UBSAN_OPTIONS=print_stacktrace=1 LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
    export TESSERA_TEST_SLOW=3
    unit_in build/asan
    # The server is what must not leak: what GStreamer loses of a client that is cut off in the middle is its own.
    peer_in build build/asan call hostile life room
    unset ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS TESSERA_TEST_SLOW
}

# The threads are in the mixer, the peers and the server's loops; the rest would only take time. The test
# client stays out of it: it uses GLib's locks, which ThreadSanitizer cannot see.
stage_tsan() {
    { build peer-programs && build BUILD=build/tsan SANITIZE=thread all unit-programs; } ||
        { broken+=("build with TSan"); return; }
    export TSAN_OPTIONS=suppressions=$PWD/tests/tsan.supp:halt_on_error=0:second_deadlock_stack=1:ignore_noninstrumented_modules=1:report_thread_leaks=0
    export TESSERA_TEST_SLOW=5 TESSERA_TEST_SHORT=1
    local each
    for each in mixer stage desk desk_play histogram recorder broadcast loop peer ws http events event_stream webhooks api_webhooks library; do
        [ -x build/tsan/tests/unit/test_$each ] &&
            program "build/tsan/tests/unit/test_$each" build/tsan/tests/unit/test_$each
    done
    peer_in build build/tsan call life room
    unset TSAN_OPTIONS TESSERA_TEST_SLOW TESSERA_TEST_SHORT
}

stage_fuzz() {
    build BUILD=build/fuzz SANITIZE=address,fuzzer-no-link fuzz-programs ||
        { broken+=("build of the fuzzers"); return; }
    local each name
    for each in build/fuzz/tests/fuzz/fuzz_*; do
        [ -x "$each" ] && [[ $each != *.* ]] || continue
        name=${each##*/}
        echo "---- $name, ${SECONDS_EACH:-60} s"
        mkdir -p "build/fuzz/corpus/$name"
        ASAN_OPTIONS=detect_leaks=1 LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp \
            timeout 600 "$each" -max_total_time="${SECONDS_EACH:-60}" -rss_limit_mb=4096 -print_final_stats=0 \
            -verbosity=0 "build/fuzz/corpus/$name" >"$logs/$name" 2>&1 ||
            { tail -40 "$logs/$name"; broken+=("$name"); }
    done
}

stage_lint() { tests/lint.sh || broken+=("lint"); }

stage_e2e() {
    build all build/tests/link/link build/tests/peer/peer || { broken+=("build"); return; }
    (cd tests/e2e && node --test --test-concurrency=1 --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=tap --test-reporter-destination="$logs/e2e.tap" .) || broken+=("browser tests")
}

totals() {
    local passed failed skipped
    passed=$(cat "$logs"/*.cmocka 2>/dev/null | awk '/^\[  PASSED  \]/ {n += $4} END {print n + 0}')
    failed=$(cat "$logs"/*.cmocka 2>/dev/null | awk '/^\[  FAILED  \] [0-9]+ test/ {n += $4} END {print n + 0}')
    skipped=$(cat "$logs"/*.cmocka 2>/dev/null | awk '/^\[  SKIPPED \] [0-9]+ test/ {n += $4} END {print n + 0}')
    if [ -f "$logs/e2e.tap" ]; then
        passed=$((passed + $(awk '/^# pass /{n=$3} END {print n + 0}' "$logs/e2e.tap")))
        failed=$((failed + $(awk '/^# fail /{n=$3} END {print n + 0}' "$logs/e2e.tap")))
        skipped=$((skipped + $(awk '/^# skipped /{n=$3} END {print n + 0}' "$logs/e2e.tap")))
        grep -E '^# (tests|pass|fail|skipped) ' "$logs/e2e.tap"
    fi
    # A program that crashed or hung counted nothing: it failed all the same.
    [ ${#broken[@]} -gt 0 ] && [ "$failed" -eq 0 ] && failed=${#broken[@]}
    # Where only the end of a long log is kept, the reason must be in it.
    [ -f "$logs/last_words" ] && cat "$logs/last_words"
    [ -f "$logs/e2e.tap" ] && grep -A25 '^not ok' "$logs/e2e.tap" | head -60
    local each
    for each in "${broken[@]+"${broken[@]}"}"; do echo "NOT GREEN: $each"; done
    echo "$passed passed, $failed failed, $skipped skipped"
    [ ${#broken[@]} -eq 0 ] && [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

case ${1:-all} in
all)
    for stage in lint unit peer asan tsan e2e; do
        started=$SECONDS
        "stage_$stage"
        echo "==== $stage: $((SECONDS - started)) s"
    done
    SECONDS_EACH=${SECONDS_EACH:-10} stage_fuzz
    ;;
lint | fuzz) "stage_$1"; [ ${#broken[@]} -eq 0 ]; exit ;;
unit | peer | asan | tsan | e2e) "stage_$1" ;;
*) echo "tests/run.sh all|unit|peer|asan|tsan|fuzz|e2e|lint" >&2; exit 2 ;;
esac
totals
