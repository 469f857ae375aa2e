#!/usr/bin/env python3
# The rank statistics beside the same figures from their definitions, in whole numbers and fractions.
#
#   tests/host/analyze/test_statistics.py STATISTICS_TOOL

import itertools
import math
import random
import statistics
import subprocess
import sys
from fractions import Fraction
from functools import lru_cache


def u_of(a, b):
    return sum(2 if y > x else 1 if y == x else 0 for x in a for y in b)  # doubled


def by_dealing_out(a, b):
    pooled, n, m = a + b, len(a), len(b)
    far, all_, beyond = abs(u_of(a, b) - n * m), 0, 0
    for chosen in itertools.combinations(range(n + m), n):
        first = [pooled[i] for i in chosen]
        rest = [pooled[i] for i in range(n + m) if i not in chosen]
        all_ += 1
        beyond += abs(u_of(first, rest) - n * m) >= far
    return Fraction(beyond, all_)


@lru_cache(maxsize=None)
def ways_of_u(n, m, u):
    """Mann and Whitney's own recursion: the largest value belongs to one side or the other."""
    if u < 0:
        return 0
    if n == 0 or m == 0:
        return int(u == 0)
    return ways_of_u(n - 1, m, u - m) + ways_of_u(n, m - 1, u)


def by_recursion(a, b):
    n, m, u = len(a), len(b), u_of(a, b) // 2
    tail = sum(ways_of_u(n, m, k) for k in range(min(u, n * m - u) + 1))
    return min(Fraction(1), Fraction(2 * tail, math.comb(n + m, n)))


def by_normal(a, b):
    n, m = len(a), len(b)
    ties = sum(t ** 3 - t for t in (len(list(g)) for _, g in itertools.groupby(sorted(a + b))))
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    z = max(0, abs(u_of(a, b) / 2 - n * m / 2) - 0.5) / math.sqrt(variance)
    return min(1, math.erfc(z / math.sqrt(2)))


def interval(a, b):
    n, m = len(a), len(b)
    differences, rank, tail = sorted(y - x for x in a for y in b), 0, Fraction(0)
    while True:
        tail += Fraction(ways_of_u(n, m, rank), math.comb(n + m, n))
        if tail > Fraction(1, 200):
            break
        rank += 1
    return (differences[rank - 1], differences[-rank]) if rank else (math.nan, math.nan)


def score_of(y):
    return sum((b > a) - (b < a) for a, b in itertools.combinations(y, 2))


def rising_by_ordering(y):
    score = score_of(y)
    orders = [score_of(p) >= score for p in itertools.permutations(y)]
    return Fraction(sum(orders), len(orders))


@lru_cache(maxsize=None)
def inversions(n):
    """How many orders of n different values have 0, 1, 2 ... inversions."""
    if n == 1:
        return [1]
    before = inversions(n - 1)
    counts = [0] * (len(before) + n - 1)
    for i, count in enumerate(before):
        for k in range(n):
            counts[i + k] += count
    return counts


def rising_by_inversions(y):
    n = len(y)
    falling = (n * (n - 1) // 2 - score_of(y)) // 2
    return Fraction(sum(inversions(n)[:falling + 1]), math.factorial(n))


def slope_of(y):
    return statistics.median((y[j] - y[i]) / (j - i)
                             for i, j in itertools.combinations(range(len(y)), 2))


def cases():
    """Questions to the tool, each with what its answer has to be: value, tolerance (relative)."""
    chance = random.Random(4)
    words = lambda values: f"{len(values)} " + " ".join(repr(v) for v in values)
    for n, m, kinds in [(3, 3, 0), (5, 5, 0), (4, 7, 0), (5, 6, 3), (6, 6, 5), (2, 8, 2), (7, 5, 9), (1, 4, 3),
                        (10, 10, 0), (20, 20, 0), (12, 30, 0), (50, 50, 0), (60, 55, 0), (80, 60, 20), (40, 35, 9)]:
        for moved in (0, 0.2, 0.6):
            a, b = [chance.random() for _ in range(n)], [chance.random() + moved for _ in range(m)]
            if kinds:
                a, b = [math.floor(v * kinds) for v in a], [math.floor(v * kinds) for v in b]
            tied = len(set(a + b)) < n + m
            if n + m <= 12:
                p, method = by_dealing_out(a, b), 1
            elif max(n, m) <= 50 and not tied:
                p, method = by_recursion(a, b), 1
            else:
                p, method = by_normal(a, b), 2
            low, high = interval(a, b) if max(n, m) <= 30 else (None, None)
            yield (f"ranks {words(a)} {words(b)}",
                   [(u_of(a, b) / 2, 0), (float(p), 1e-10), (method, 0),
                    (statistics.median(y - x for x in a for y in b), 1e-12), (low, 1e-12), (high, 1e-12)])
    for n, kinds in [(4, 0), (6, 3), (7, 0), (7, 4), (12, 0), (30, 0), (50, 0)]:
        for moved in (0, 0.05, -0.1):
            y = [chance.random() + moved * i for i in range(n)]
            if kinds:
                y = [math.floor(v * kinds) for v in y]
            p = rising_by_ordering(y) if n <= 7 else rising_by_inversions(y)
            yield (f"trend {words(y)}", [(score_of(y), 0), (float(p), 1e-10), (1, 0), (slope_of(y), 1e-12)])
    for n, m in [(50, 50), (20, 50), (45, 30)]:
        most = n * m // 3
        share = Fraction(sum(ways_of_u(n, m, k) for k in range(most + 1)), math.comb(n + m, n))
        yield f"ways 2 {n} {m} {most}", [(float(share), 1e-12)]


def main():
    sys.setrecursionlimit(10000)
    asked = list(cases())
    answers = subprocess.run([sys.argv[1]], input="\n".join(q for q, _ in asked), text=True, check=True,
                             capture_output=True, timeout=60).stdout.splitlines()
    wrong = len(answers) != len(asked)
    for (question, wanted), answer in zip(asked, answers):
        for got, (value, tolerance) in zip(map(float, answer.split()), wanted):
            if value is None or (math.isnan(value) and math.isnan(got)):
                continue
            if not abs(got - value) <= tolerance * max(abs(value), 1e-300):
                print(f"{question[:60]}: {got!r} instead of {value!r}")
                wrong = True
    print(f"{len(asked)} questions, {sum(len(w) for _, w in asked)} figures")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
