#!/bin/sh
# Two threads of xz on made-up data, about 79 MB: compress.sh [NUMBERS]; prints the compressed size.
set -eu
numbers=${1:-10000000}
seq 1 "$numbers" | xz -T2 -1 --block-size=2MiB -c | wc -c
