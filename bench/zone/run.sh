#!/bin/sh
# What a zone costs beside LTTng-UST and uftrace, in one run: run.sh BUILD [ROUNDS]
#
# A peer that is missing is left out, with a sentence. Nothing stays behind but LTTng's own wait files in /dev/shm.
build=${1:?usage: run.sh BUILD [ROUNDS]}
rounds=${2:-31}
folder=$(mktemp -d) || exit 3
session=tacho-bench-$$
has_lttng=
finish() {
    [ -z "$has_lttng" ] || lttng destroy "$session" >/dev/null 2>&1
    [ -z "$daemon" ] || kill "$daemon" 2>/dev/null
    rm -rf "$folder"
}
daemon=
trap finish EXIT
trap 'exit 3' INT TERM

export LTTNG_HOME=$folder
if command -v lttng-sessiond >/dev/null; then
    lttng-sessiond --no-kernel >"$folder/sessiond.log" 2>&1 &
    daemon=$!
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        lttng list >/dev/null 2>&1 && break
        sleep 0.1
    done
    # Overwriting buffers in memory, as tacho's ring; nobody writes them to a disk.
    if lttng create "$session" --snapshot >/dev/null 2>&1 &&
        lttng enable-channel -u -s "$session" --subbuf-size 1M --num-subbuf 4 c >/dev/null 2>&1 &&
        lttng enable-event -u -s "$session" -c c 'bench_zone:*' >/dev/null 2>&1 &&
        lttng start "$session" >/dev/null 2>&1; then
        has_lttng=1
    else
        echo "no LTTng session could be made; its row shows tracepoints that are off"
    fi
else
    echo "LTTng-UST is not installed; left out"
fi
"$build/bench/bench_zone" "$rounds" || exit 1

echo "whole functions by compiler hooks"
for _ in 1 2 3; do
    "$build/bench/bench_functions_tacho" "tacho, trace" 15 || exit 1
    "$build/bench/bench_functions_tacho" "tacho, statistics" 15 || exit 1
    "$build/bench/bench_functions_plain" "empty hooks" 15 || exit 1
    if command -v uftrace >/dev/null; then
        uftrace record --no-libcall -d "$folder/uftrace" "$build/bench/bench_functions_plain" \
            "uftrace record" 15 || exit 1
        rm -rf "$folder/uftrace"
    else
        echo "uftrace is not installed; left out"
    fi
done
