// The shared memory between tacho and the agent in the programs it watches: a bounded queue of
// slots.
//
// Any thread of any of these programs puts a slot in, also out of a signal handler; tacho alone
// takes them out. Each slot has a sequence number that says whose turn it is (a bounded queue after
// Dmitry Vyukov): to fill position p, a writer needs slot[p % count].sequence == p, moves `next`
// from p to p + 1, writes, and sets the sequence to p + 1, upon which the reader may take it and
// sets it to p + count. No lock, no waiting: with a full queue the sample is counted as lost.
//
// The memory is a sealed memfd that tacho holds; the agent opens it through /proc, so no file is
// left behind whoever is killed. A writer that is killed between taking a position and publishing
// it leaves a slot that the reader gives up after a while.
#ifndef TACHO_AGENT_AGENT_RING_H
#define TACHO_AGENT_AGENT_RING_H

#include <stdatomic.h>
#include <stdint.h>

#define TACHO_AGENT_MAGIC       UINT64_C(0x31746e6761636174) // "tacagnt1"
#define TACHO_AGENT_VARIABLE    "TACHO_AGENT_RING"           // the path of the ring
#define TACHO_AGENT_STACK_BYTES 16384u
#define TACHO_AGENT_SLOTS       512u
#define TACHO_AGENT_REGISTERS   17 // as in DWARF: rax rdx rcx rbx rsi rdi rbp rsp r8..r15 rip
// A reader that has not been there for so long is dead, and the agent stops.
#define TACHO_AGENT_SILENCE_NS INT64_C(10000000000)

enum tacho_agent_kind {
    // A program began (also by exec): bytes hold its name and newline, then a line for each piece
    // of
    // code: start, end, offset (hexadecimal) and path.
    TACHO_AGENT_START = 1,
    TACHO_AGENT_SAMPLE, // registers, and the stack from the stack pointer up
    TACHO_AGENT_FAILED, // no timer could be made: value is errno
};

struct tacho_agent_slot {
    _Atomic uint64_t sequence;
    uint32_t kind; // enum tacho_agent_kind
    uint32_t pid, tid, parent;
    int64_t time_ns; // CLOCK_MONOTONIC
    uint64_t value;  // of a sample: how many periods it stands for
    uint64_t registers[TACHO_AGENT_REGISTERS];
    uint32_t size; // of what is in bytes
    uint32_t unused;
    uint8_t bytes[TACHO_AGENT_STACK_BYTES];
};

struct tacho_agent_ring {
    uint64_t magic;
    uint64_t size;     // of the whole, as a check that both sides mean the same
    int64_t period_ns; // of CPU time between samples of a thread
    int32_t signal_number;
    uint32_t slot_count;
    _Atomic uint32_t stopped;  // by tacho, at the end of the observation
    _Atomic int64_t reader_ns; // when tacho was last here
    _Atomic uint64_t next;     // the position that the next writer takes
    _Atomic uint64_t lost;
    struct tacho_agent_slot slots[TACHO_AGENT_SLOTS];
};

#endif
