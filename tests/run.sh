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

# One cmocka program, its output in a log of its own. A program that hangs must not take the whole run with it.
run_program() { # name program
    local log="$logs/${1//[\/ ]/_}" started=$SECONDS
    timeout --kill-after=10 "${PROGRAM_TIMEOUT:-240}" "$2" >"$log.cmocka" 2>&1
    echo "$? $((SECONDS - started))" >"$log.status"
}

show_program() { # name: how it went; is it green?
    local log="$logs/${1//[\/ ]/_}" status seconds
    read -r status seconds <"$log.status"
    echo "---- $1, $seconds s"
    grep -vE '^\[ (RUN|      OK) |^\[=' "$log.cmocka"
    [ "$status" -eq 0 ]
}

program() { # name program: alone on the machine
    run_program "$1" "$2"
    show_program "$1" && return
    broken+=("$1 (exit status $(cut -d' ' -f1 "$logs/${1//[\/ ]/_}.status"))")
    tail -25 "$logs/${1//[\/ ]/_}.cmocka" >>"$logs/last_words"
}

# As many at a time as there are processors. Some tests measure time, and their neighbours take it from them: what
# is not green beside others is run once more alone.
programs() { # name program, name program, ...
    local names=() paths=() i
    while [ $# -gt 0 ]; do names+=("$1"); paths+=("$2"); shift 2; done
    for i in "${!names[@]}"; do
        while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
        run_program "${names[i]}" "${paths[i]}" &
    done
    wait
    for i in "${!names[@]}"; do
        show_program "${names[i]}" && continue
        tail -25 "$logs/${names[i]//[\/ ]/_}.cmocka"
        echo "     once more, alone"
        program "${names[i]}" "${paths[i]}"
    done
}

unit_in() { # build directory
    local each list=()
    for each in "$1"/tests/unit/test_*; do
        [ -x "$each" ] && [ -f "$each" ] && [[ $each != *.* ]] && list+=("$each" "$each")
    done
    programs "${list[@]}"
}

peer_in() { # alone|together, build directory, that of the server, programs
    local how=$1 client=$2 server=$3 each list=()
    shift 3
    export TESSERA_BINARY=$server/tessera TESSERA_PEER=$client/tests/peer/peer TESSERA_LINK=$client/tests/link/link
    for each in "${@/#/$client/tests/peer/test_}"; do
        list+=("$each with $server/tessera" "$each")
        [ "$how" = together ] || { program "${list[@]}"; list=(); }
    done
    [ ${#list[@]} -eq 0 ] || programs "${list[@]}"
    unset TESSERA_BINARY TESSERA_PEER TESSERA_LINK
}

stage_unit() {
    build all unit-programs || { broken+=("build"); return; }
    unit_in build
}

stage_peer() {
    build all peer-programs || { broken+=("build of the peer tests"); return; }
    # Hostile clients are for the build that notices the slightest slip; see stage_asan.
    peer_in alone build build call life room record recorded_call viewers
    # What a bad link leaves is a matter of seconds, and of a server that runs at its full speed.
    PROGRAM_TIMEOUT=480 peer_in alone build build link
}

stage_asan() {
    { build peer-programs && build BUILD=build/asan SANITIZE=address,undefined all unit-programs; } ||
        { broken+=("build with ASan"); return; }
    export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=1
    export UBSAN_OPTIONS=print_stacktrace=1 LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
    export TESSERA_TEST_SLOW=3
    unit_in build/asan
    # The server is what must not leak: what GStreamer loses of a client that is cut off in the middle is its own.
    peer_in together build build/asan hostile room call life
    unset ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS TESSERA_TEST_SLOW
}

# The threads are in the mixer, the peers and the server's loops; the rest would only take time. The test
# client stays out of it: it uses GLib's locks, which ThreadSanitizer cannot see.
stage_tsan() {
    local each list=() tests=(mixer stage desk desk_play histogram recorder broadcast library loop peer ws http events event_stream webhooks api_webhooks)
    { build peer-programs &&
        build BUILD=build/tsan SANITIZE=thread all "${tests[@]/#/build/tsan/tests/unit/test_}"; } ||
        { broken+=("build with TSan"); return; }
    export TSAN_OPTIONS=suppressions=$PWD/tests/tsan.supp:halt_on_error=0:second_deadlock_stack=1:ignore_noninstrumented_modules=1:report_thread_leaks=0
    export TESSERA_TEST_SLOW=5 TESSERA_TEST_SHORT=1
    for each in "${tests[@]}"; do
        list+=("build/tsan/tests/unit/test_$each" "build/tsan/tests/unit/test_$each")
    done
    programs "${list[@]}"
    peer_in together build build/tsan call life room
    unset TSAN_OPTIONS TESSERA_TEST_SLOW TESSERA_TEST_SHORT
}

run_fuzzer() { # program
    local name=${1##*/}
    mkdir -p "build/fuzz/corpus/$name"
    ASAN_OPTIONS=detect_leaks=1 LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp \
        timeout 600 "$1" -max_total_time="${SECONDS_EACH:-60}" -rss_limit_mb=4096 -print_final_stats=0 \
        -verbosity=0 "build/fuzz/corpus/$name" >"$logs/$name" 2>&1 || touch "$logs/$name.failed"
}

stage_fuzz() {
    build BUILD=build/fuzz SANITIZE=address,fuzzer-no-link fuzz-programs ||
        { broken+=("build of the fuzzers"); return; }
    local each name
    for each in build/fuzz/tests/fuzz/fuzz_*; do
        [ -x "$each" ] && [[ $each != *.* ]] || continue
        while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
        run_fuzzer "$each" &
    done
    wait
    for each in "$logs"/fuzz_*; do
        name=${each##*/}
        [[ $name == *.failed ]] || { echo "---- $name, ${SECONDS_EACH:-60} s"; continue; }
        tail -40 "${each%.failed}"
        broken+=("${name%.failed}")
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
