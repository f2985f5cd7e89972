#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the tests stage by stage: tests/run.sh all|unit|peer|asan|tsan|fuzz|e2e|lint
# Each runner's own output is shown; the totals of all of them stand at the end.
set -u
cd "$(dirname "$0")/.."

jobs=$(nproc)
more_lanes=$((jobs + (jobs + 1) / 2)) # for programs of which many wait more than they work
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

# As many at a time as there are lanes. Some tests measure time, and their neighbours take it from them: what is not
# green beside others is run once more alone.
programs() { # name program, name program, ...
    local names=() paths=() i
    while [ $# -gt 0 ]; do names+=("$1"); paths+=("$2"); shift 2; done
    for i in "${!names[@]}"; do
        while [ "$(jobs -rp | wc -l)" -ge "${lanes:-$jobs}" ]; do wait -n; done
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

# What takes longest is begun first, so that nothing long is left alone at the end.
list_units() { # build directory: adds to list
    local each
    for each in "$1"/tests/unit/test_{peer,recorder,mixer,accounts,http,transcoder,*}; do
        [[ -x $each && -f $each && $each != *.* && " ${list[*]-} " != *" $each "* ]] && list+=("$each" "$each")
    done
}

list_peers() { # build directory of the client, programs: adds to list
    local client=$1 each
    shift
    for each in "${@/#/$client/tests/peer/test_}"; do
        list+=("$each with $TESSERA_BINARY" "$each")
    done
}

serve() { # build directories: of the server, of the client
    export TESSERA_BINARY=$1/tessera TESSERA_PEER=$2/tests/peer/peer TESSERA_LINK=$2/tests/link/link
}
serve_no_more() { unset TESSERA_BINARY TESSERA_PEER TESSERA_LINK; }

stage_unit() {
    local list=()
    build all unit-programs || { broken+=("build"); return; }
    list_units build
    lanes=$more_lanes programs "${list[@]}"
}

stage_peer() {
    local each list=()
    build all peer-programs || { broken+=("build of the peer tests"); return; }
    serve build build
    # Hostile clients are for the build that notices the slightest slip; see stage_asan.
    list_peers build recorded_call call life room record slow_disk
    programs "${list[@]}"
    # Hundreds of viewers leave nothing to others. What a bad link leaves is a matter of seconds, and of a server
    # that runs at its full speed.
    for each in viewers link; do
        list=()
        list_peers build "$each"
        PROGRAM_TIMEOUT=480 program "${list[@]}"
    done
    serve_no_more
}

# With what the fuzzers need as well: stage_fuzz builds upon it.
build_asan() { build BUILD=build/asan SANITIZE=address,undefined,fuzzer-no-link "$@"; }

stage_asan() {
    local list=()
    { build peer-programs && build_asan all unit-programs; } || { broken+=("build with ASan"); return; }
    export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=1
    export UBSAN_OPTIONS=print_stacktrace=1 LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
    export TESSERA_TEST_SLOW=3
    # The server is what must not leak: what GStreamer loses of a client that is cut off in the middle is its own.
    serve build/asan build
    list_peers build hostile
    list_units build/asan
    list_peers build life room call
    lanes=$more_lanes PROGRAM_TIMEOUT=480 programs "${list[@]}"
    serve_no_more
    unset ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS TESSERA_TEST_SLOW
}

# The threads are in the mixer, the peers and the server's loops; the rest would only take time. The test
# client stays out of it: it uses GLib's locks, which ThreadSanitizer cannot see.
stage_tsan() {
    local each list=() tests=(peer mixer stage desk desk_play histogram recorder recorder_play broadcast library loop ws http events event_stream webhooks api_webhooks)
    { build peer-programs &&
        build BUILD=build/tsan SANITIZE=thread all "${tests[@]/#/build/tsan/tests/unit/test_}"; } ||
        { broken+=("build with TSan"); return; }
    export TSAN_OPTIONS=suppressions=$PWD/tests/tsan.supp:halt_on_error=0:second_deadlock_stack=1:ignore_noninstrumented_modules=1:report_thread_leaks=0
    export TESSERA_TEST_SLOW=5 TESSERA_TEST_SHORT=1
    for each in "${tests[@]}"; do
        list+=("build/tsan/tests/unit/test_$each" "build/tsan/tests/unit/test_$each")
    done
    serve build/tsan build
    list_peers build life room call
    lanes=$more_lanes programs "${list[@]}"
    serve_no_more
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
    build_asan fuzz-programs || { broken+=("build of the fuzzers"); return; }
    local each name
    mkdir -p build/fuzz/corpus/fuzz_repair
    build/asan/tests/fuzz/seeds build/fuzz/corpus/fuzz_repair || { broken+=("seeds of the fuzzers"); return; }
    for each in build/asan/tests/fuzz/fuzz_*; do
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

run_e2e() { # tap file, files
    (cd tests/e2e && node --test --test-concurrency=1 --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=tap --test-reporter-destination="$1" "${@:2}")
}

tap_count() { awk -v what="$2" '$1 == "#" && $2 == what {n = $3} END {print n + 0}' "$1"; } # tap file, pass|fail|skipped

# Browsers miss a time limit now and then: a file in which something failed is run once more. E2E_ONLY: files.
stage_e2e() {
    local failed
    build all build/tests/link/link build/tests/peer/peer || { broken+=("build"); return; }
    # shellcheck disable=SC2086
    run_e2e "$logs/e2e.tap" ${E2E_ONLY:-.} && return
    mapfile -t failed < <(sed -n "s/.*location: '\(.*\.test\.mjs\):.*/\1/p" "$logs/e2e.tap" | sort -u)
    echo "     once more: ${failed[*]##*/}"
    mv "$logs/e2e.tap" "$logs/e2e_first.tap"
    run_e2e "$logs/e2e.tap" "${failed[@]:-.}" || broken+=("browser tests")
}

totals() {
    local passed failed skipped
    passed=$(cat "$logs"/*.cmocka 2>/dev/null | awk '/^\[  PASSED  \]/ {n += $4} END {print n + 0}')
    failed=$(cat "$logs"/*.cmocka 2>/dev/null | awk '/^\[  FAILED  \] [0-9]+ test/ {n += $4} END {print n + 0}')
    skipped=$(cat "$logs"/*.cmocka 2>/dev/null | awk '/^\[  SKIPPED \] [0-9]+ test/ {n += $4} END {print n + 0}')
    # What failed is counted as its second run has it.
    local first=$logs/e2e_first.tap last=$logs/e2e.tap
    [ -f "$first" ] || first=$last
    if [ -f "$last" ]; then
        passed=$((passed + $(tap_count "$first" pass) + $(tap_count "$first" fail) - $(tap_count "$last" fail)))
        failed=$((failed + $(tap_count "$last" fail)))
        skipped=$((skipped + $(tap_count "$first" skipped)))
        grep -hE '^# (tests|pass|fail|skipped) ' "$first"
        [ "$first" = "$last" ] || grep -hE '^# (tests|pass|fail|skipped) ' "$last"
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
    SECONDS_EACH=${SECONDS_EACH:-8} stage_fuzz
    ;;
lint | fuzz) "stage_$1"; [ ${#broken[@]} -eq 0 ]; exit ;;
unit | peer | asan | tsan | e2e) "stage_$1" ;;
*) echo "tests/run.sh all|unit|peer|asan|tsan|fuzz|e2e|lint" >&2; exit 2 ;;
esac
totals
