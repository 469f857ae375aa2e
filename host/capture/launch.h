// Starts a command so that it can be observed from its first instruction, and ends it properly.
//
// The command keeps standard input and output, the terminal (it stays in this process' group, so
// that Ctrl-C and Ctrl-Z reach both), the signal dispositions and the limits that this process was
// started with. This process becomes the reaper of orphans (PR_SET_CHILD_SUBREAPER), so that
// nothing the command leaves behind escapes the totals: the resources of everything that was waited
// for are added up, and with them those of children too short-lived to be seen.
//
// The order of calls: tacho_inherited_save at the start of main; tacho_launch_open forks the child,
// which waits; attach whatever observes it; tacho_launch_release lets it exec; wait for `pidfd` to
// become readable; tacho_launch_reap; tacho_launch_close. All from one thread, the fork best before
// other threads exist and before much memory is in use: the kernel counts memory held between fork
// and exec into the command's peak.
#ifndef TACHO_CAPTURE_LAUNCH_H
#define TACHO_CAPTURE_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/array.h"
#include "base/fail.h"

#define TACHO_EXIT_NOT_EXECUTABLE 126 // as shells have it
#define TACHO_EXIT_NOT_FOUND      127
#define TACHO_SIGNAL_COUNT        32 // the classic signals, by number

// What this process was started with and is to hand on unchanged.
struct tacho_inherited {
    bool saved;
    sigset_t mask;
    bool ignored[TACHO_SIGNAL_COUNT]; // by signal number
    struct rlimit open_files;
};

// Context: the start of main, before any signal handler or limit is changed.
void tacho_inherited_save(struct tacho_inherited *inherited);

// The resources of everything that was waited for, descendants included.
struct tacho_usage {
    double user_seconds, system_seconds;
    uint64_t rss_peak_bytes; // of the largest single process
    uint64_t faults_minor, faults_major;
    uint64_t switches_voluntary, switches_involuntary;
    uint64_t storage_read_bytes, storage_write_bytes; // as getrusage counts blocks
    // From /proc/self/io, which grows by what a waited-for child had; NaN where it cannot be read.
    double read_calls_bytes, write_calls_bytes, read_bytes, write_bytes;
};

struct tacho_reaped {
    pid_t pid;
    int status; // as from waitpid
    int64_t time_ns;
};

struct tacho_launch_config {
    char *const *arguments;         // the command and its arguments, NULL at the end
    const char *const *environment; // "NAME=value" to add or replace, NULL at the end; may be NULL
    const struct tacho_inherited *inherited; // may be NULL: signals and limits are left as they are
};

struct tacho_launch {
    pid_t pid; // of the command
    int pidfd; // readable when the command has ended
    int go_fd, error_fd;
    char *path;                 // the file that is executed
    int64_t fork_ns;            // host clock, before fork
    int64_t forked_ns;          // after fork returned
    int64_t release_ns;         // when the child was let go; 0: not yet
    int64_t executed_ns;        // when the end of exec was seen here; 0: not yet
    int64_t resumed_ns;         // when the child was let go on after on_executed
    uint64_t waiting_rss_bytes; // of the child before exec: its peak cannot be seen below this
    bool exited;                // the command itself has ended and was waited for
    int exit_status;            // as from waitpid
    int64_t exit_ns;
    struct tacho_usage usage;                // of all that was waited for so far
    TACHO_ARRAY(struct tacho_reaped) reaped; // in the order they ended
    // Called as soon as exec has succeeded; may be NULL. Where ptrace(2) is permitted the child is
    // held for that time before its first instruction, else its dynamic loader may run already.
    void (*on_executed)(struct tacho_launch *launch, void *context);
    void *on_executed_context;
};

// Finds the command in PATH as a shell would and forks; the child waits. Fails with
// TACHO_ERR_NOT_FOUND or TACHO_ERR_PERMISSION (tacho_launch_exit_code) without having forked.
int tacho_launch_open(struct tacho_launch *launch, const struct tacho_launch_config *config,
                      struct tacho_fail *fail);
// Lets the child exec and returns when that has succeeded or failed. After a failure the child is
// gone and was waited for.
int tacho_launch_release(struct tacho_launch *launch, struct tacho_fail *fail);
// Waits for every child of this process that has ended, without blocking, and adds up what they
// used. Returns how many there were. While a command is launched all children are taken to be its
// descendants: wait for any other child before.
int tacho_launch_reap(struct tacho_launch *launch);
// Sends a signal to the command; nothing happens when it has ended.
int tacho_launch_signal(struct tacho_launch *launch, int signal, struct tacho_fail *fail);
// True while children of this process are left: the command, or orphans it left behind.
bool tacho_launch_has_children(const struct tacho_launch *launch);
// Lets go of everything. A child that was not released is ended; a command that still runs stays.
void tacho_launch_close(struct tacho_launch *launch);

// The exit code of a shell for the code of a failed open or release: 127, 126, or 3 for the rest.
int tacho_launch_exit_code(int fail_code);
// The exit code that stands for a status of waitpid: the code, or 128 + the signal's number.
int tacho_launch_status_code(int status);

#endif
