# Python with two functions that share the CPU time 75 / 25: work.py [SECONDS of CPU time].
import sys
import time


def python_hot(state):
    for _ in range(30000):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
    return state


def python_cold(state):
    for _ in range(10000):
        state = (state * 1103515245 + 54321) & 0x7FFFFFFF
    return state


def main():
    limit_s = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    state, rounds, hot_s, cold_s = 1, 0, 0.0, 0.0
    while time.process_time() < limit_s:
        begin_s = time.process_time()
        state = python_hot(state)
        middle_s = time.process_time()
        state = python_cold(state)
        hot_s += middle_s - begin_s
        cold_s += time.process_time() - middle_s
        rounds += 1
    print("rounds", rounds)
    print("checksum", state)
    print(f"cpu_s {time.process_time():.6f}")
    print(f"python_hot {hot_s / (hot_s + cold_s):.6f}")
    print(f"python_cold {cold_s / (hot_s + cold_s):.6f}")


main()
