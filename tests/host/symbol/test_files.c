// Where names are found: the file itself, debug files of the same build, unwind tables, files that
// are gone; and where they are refused.
#include "subject.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"

// A stripped copy of the subject with its symbols in "debug" beside it.
static void make_stripped(struct bench *bench, char *stripped, size_t size)
{
    char subject[512];
    subject_path("subject_c", subject, sizeof subject);
    snprintf(stripped, size, "%s/program", bench->folder);
    run_command("cd %s && objcopy --only-keep-debug %s debug && strip -o program %s", bench->folder,
                subject, subject);
}

static struct function work_function(void)
{
    char subject[512];
    return function_find(subject_path("subject_c", subject, sizeof subject), "work");
}

static void a_stripped_file_names_functions_by_their_start(void **state)
{
    (void)state;
    struct bench bench;
    char program[512], expected[64];
    bench_open(&bench);
    make_stripped(&bench, program, sizeof program);
    struct function work = work_function();
    const struct tacho_run_frame *frame = bench_name(&bench, program, "", work.offset + 9, 0);
    snprintf(expected, sizeof expected, "program+0x%jx", (uintmax_t)work.address);
    assert_string_equal(frame->function, expected);
    assert_string_equal(frame->file, "");
    frame = bench_name(&bench, program, "", work.offset + work.size - 1, 0);
    assert_string_equal(frame->function, expected);
    bench_close(&bench);
}

static void files_without_symbols_are_said_if_they_matter(void **state)
{
    (void)state;
    struct bench bench;
    char program[512];
    bench_open(&bench);
    make_stripped(&bench, program, sizeof program);
    struct function work = work_function();
    uint32_t module = tacho_run_module_add(&bench.run, program, "");
    tacho_run_frame_add(&bench.run, module, work.offset + 2, 0);
    bench_name(&bench, program, "", work.offset, 0);
    assert_false(bench_has_note(&bench, "no symbols in program"));
    for (uint64_t at = 3; at < 12; at++)
        tacho_run_frame_add(&bench.run, module, work.offset + at, 0);
    bench_name(&bench, program, "", work.offset + 1, 0);
    assert_true(bench_has_note(&bench, "no symbols in program: functions are shown by"));
    bench_close(&bench);
}

static void a_debug_link_gives_names_and_lines(void **state)
{
    (void)state;
    struct bench bench;
    char program[512];
    bench_open(&bench);
    make_stripped(&bench, program, sizeof program);
    run_command("cd %s && objcopy --add-gnu-debuglink=debug program && mkdir .debug && "
                "mv debug .debug/",
                bench.folder);
    const struct tacho_run_frame *frame =
        bench_name(&bench, program, "", work_function().offset, 0);
    assert_string_equal(frame->function, "work");
    assert_non_null(strstr(frame->file, "inlined.c"));
    assert_int_not_equal(frame->line, 0);
    assert_int_equal(bench.run.notes.count, 0);
    bench_close(&bench);
}

static void a_linked_file_without_build_id_has_to_have_the_checksum(void **state)
{
    (void)state;
    struct bench bench;
    char program[512];
    bench_open(&bench);
    make_stripped(&bench, program, sizeof program);
    run_command("cd %s && objcopy -R .note.gnu.build-id debug && objcopy -R .note.gnu.build-id "
                "program && objcopy --add-gnu-debuglink=debug program",
                bench.folder);
    struct function work = work_function();
    assert_string_equal(bench_name(&bench, program, "", work.offset, 0)->function, "work");
    run_command("echo >> %s/debug", bench.folder);
    assert_string_not_equal(bench_name(&bench, program, "", work.offset + 1, 0)->function, "work");
    assert_true(bench_has_note(&bench, "belongs to another build"));
    bench_close(&bench);
}

static void a_build_id_finds_the_debug_file_below_any_root(void **state)
{
    (void)state;
    struct bench bench;
    char program[512], id[TACHO_BUILD_ID_TEXT_MAX];
    bench_open(&bench);
    make_stripped(&bench, program, sizeof program);
    build_id_of(program, id);
    run_command("cd %s && mkdir -p root/.build-id/%.2s && mv debug root/.build-id/%.2s/%s.debug",
                bench.folder, id, id, id + 2);
    char root[128];
    snprintf(root, sizeof root, "%s/root", bench.folder);
    const char *const roots[] = {"/nowhere", root, NULL};
    bench.config.debug_roots = roots;
    const struct tacho_run_frame *frame =
        bench_name(&bench, program, id, work_function().offset, 0);
    assert_string_equal(frame->function, "work");
    assert_int_not_equal(frame->line, 0);
    bench_close(&bench);
}

static void a_debug_file_of_another_build_is_refused(void **state)
{
    (void)state;
    struct bench bench;
    char program[512], other[512], id[TACHO_BUILD_ID_TEXT_MAX];
    bench_open(&bench);
    make_stripped(&bench, program, sizeof program);
    build_id_of(program, id);
    run_command("cd %s && mkdir -p .build-id/%.2s && cp %s .build-id/%.2s/%s.debug", bench.folder,
                id, subject_path("subject_unoptimised", other, sizeof other), id, id + 2);
    const char *const roots[] = {bench.folder, NULL};
    bench.config.debug_roots = roots;
    const struct tacho_run_frame *frame =
        bench_name(&bench, program, id, work_function().offset, 0);
    assert_non_null(strstr(frame->function, "program+0x"));
    assert_true(bench_has_note(&bench, "belongs to another build"));
    bench_close(&bench);
}

static void a_file_that_is_not_the_one_that_ran_is_refused(void **state)
{
    (void)state;
    struct bench bench;
    char subject[512];
    bench_open(&bench);
    subject_path("subject_c", subject, sizeof subject);
    const struct tacho_run_frame *frame =
        bench_name(&bench, subject, "0123456789abcdef", work_function().offset, 0);
    assert_string_equal(frame->function, "[unknown]");
    assert_true(bench_has_note(&bench, "is not the file that ran"));
    bench_close(&bench);
}

static void a_file_that_is_missing_or_no_program_is_said(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    assert_string_equal(bench_name(&bench, "/nowhere/program", "", 4096, 0)->function, "[unknown]");
    assert_true(bench_has_note(&bench, "/nowhere/program"));
    assert_string_equal(bench_name(&bench, "/dev/null", "", 4096, 0)->function, "[unknown]");
    assert_true(bench_has_note(&bench, "/dev/null is not a regular file"));
    assert_string_equal(bench_name(&bench, "/etc/passwd", "", 0, 0)->function, "[unknown]");
    assert_true(bench_has_note(&bench, "/etc/passwd is not an ELF file"));
    bench_close(&bench);
}

// Where objdump, which knows the layouts of linkers, sees the stub; 0: nowhere.
static uint64_t stub_of(const char *path, const char *function)
{
    char command[1024];
    snprintf(command, sizeof command,
             "objdump -d %s | sed -n 's/^\\([0-9a-f]*\\) <%s@plt>:.*/\\1/p'", path, function);
    FILE *said = popen(command, "r");
    assert_non_null(said);
    unsigned long address = 0;
    if (fscanf(said, "%lx", &address) != 1)
        address = 0;
    pclose(said);
    return address;
}

static void stubs_are_called_after_what_they_call(void **state)
{
    (void)state;
#if !defined(__x86_64__) && !defined(__aarch64__)
    skip();
#endif
    struct bench bench;
    char subject[512], stripped[512];
    bench_open(&bench);
    subject_path("subject_cpp", subject, sizeof subject);
    snprintf(stripped, sizeof stripped, "%s/stripped", bench.folder);
    run_command("strip -o %s %s", stripped, subject);
    uint64_t print = stub_of(subject, "printf"), delete = stub_of(subject, "_ZdlPvm");
    if (!delete)
        delete = stub_of(subject, "_ZdlPv"); // without the size, as clang calls it
    assert_true(print != 0 && delete != 0);
    assert_string_equal(bench_name(&bench, subject, "", print, 0)->function, "printf@plt");
    assert_string_equal(bench_name(&bench, stripped, "", print + 6, 0)->function, "printf@plt");
    assert_string_equal(bench_name(&bench, stripped, "", delete, 0)->function,
                        "operator delete@plt");
    bench_close(&bench);
}

static void an_address_that_no_symbol_covers_is_not_given_the_nearest_name(void **state)
{
    (void)state;
    struct bench bench;
    char subject[512];
    bench_open(&bench);
    subject_path("subject_c", subject, sizeof subject);
    struct function last = function_find(subject, "_fini");
    const struct tacho_run_frame *frame =
        bench_name(&bench, subject, "", last.offset + last.size + 64, 0);
    assert_non_null(strstr(frame->function, "subject_c+0x"));
    bench_close(&bench);
}

// Starts a copy of the subject called `name` that waits to be ended, and deletes the file.
static pid_t start_deleted(struct bench *bench, const char *name, char *path, size_t size)
{
    char file[256];
    snprintf(file, sizeof file, "%s/%s", bench->folder, name);
    run_command("cp %s/tests/host/symbol/subject_waits %s", TACHO_BINARY_DIR, file);
    int said[2];
    assert_int_equal(pipe(said), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(said[1], 1);
        close(said[0]);
        execl(file, file, (char *)NULL);
        _exit(127);
    }
    close(said[1]);
    char byte;
    assert_int_equal(read(said[0], &byte, 1), 1); // it runs, so its exec is over
    close(said[0]);
    assert_int_equal(unlink(file), 0);
    snprintf(path, size, "%s (deleted)", file);
    return child;
}

static void end_child(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void add_process(struct tacho_run *run, pid_t pid)
{
    tacho_array_push(&run->threads, (struct tacho_run_thread){.pid = (uint32_t)pid,
                                                              .tid = (uint32_t)pid,
                                                              .name = "",
                                                              .command = "",
                                                              .start_ns = 0,
                                                              .end_ns = INT64_MIN});
}

static struct function wait_function(void)
{
    char subject[512];
    return function_find(subject_path("subject_waits", subject, sizeof subject), "wait_here");
}

static void a_deleted_program_is_read_while_it_runs(void **state)
{
    (void)state;
    struct bench bench;
    char path[512];
    bench_open(&bench);
    pid_t child = start_deleted(&bench, "gone", path, sizeof path);
    add_process(&bench.run, child);
    const struct tacho_run_frame *frame =
        bench_name(&bench, path, "", wait_function().offset + 1, 0);
    assert_string_equal(frame->function, "wait_here");
    end_child(child);
    bench_close(&bench);
}

static void a_deleted_program_that_was_held_is_read_after_its_end(void **state)
{
    (void)state;
    struct bench bench;
    char held[512], lost[512];
    bench_open(&bench);
    bench.symboliser = tacho_symboliser_new(NULL);
    pid_t first = start_deleted(&bench, "held", held, sizeof held);
    pid_t second = start_deleted(&bench, "lost", lost, sizeof lost);
    tacho_symboliser_hold(bench.symboliser, (uint32_t)first, held, 0, 0);
    end_child(first);
    end_child(second);
    uint64_t offset = wait_function().offset + 1;
    assert_string_equal(bench_name(&bench, held, "", offset, 0)->function, "wait_here");
    assert_string_equal(bench_name(&bench, lost, "", offset, 0)->function, "[unknown]");
    assert_true(bench_has_note(&bench, "was deleted or replaced while it ran"));
    bench_close(&bench);
}

static void a_program_that_is_replaced_while_it_runs_is_read_as_it_was(void **state)
{
    (void)state;
    struct bench bench;
    char program[512], other[512];
    bench_open(&bench);
    bench.symboliser = tacho_symboliser_new(NULL);
    make_stripped(&bench, program, sizeof program);
    run_command("cd %s && objcopy --add-gnu-debuglink=debug program", bench.folder);
    tacho_symboliser_hold(bench.symboliser, (uint32_t)getpid(), program, 0, 0);
    run_command("cd %s && cp %s new && mv new program", bench.folder,
                subject_path("subject_unoptimised", other, sizeof other));
    const struct tacho_run_frame *frame =
        bench_name(&bench, program, "", work_function().offset, 0);
    assert_string_equal(frame->function, "work");
    assert_int_not_equal(frame->line, 0); // its debug file is found beside where it was
    bench_close(&bench);
}

static void of_two_builds_under_one_path_each_is_read(void **state)
{
    (void)state;
    struct bench bench;
    char first[512], second[512], program[512];
    char first_id[TACHO_BUILD_ID_TEXT_MAX], second_id[TACHO_BUILD_ID_TEXT_MAX];
    bench_open(&bench);
    bench.symboliser = tacho_symboliser_new(NULL);
    build_id_of(subject_path("subject_c", first, sizeof first), first_id);
    build_id_of(subject_path("subject_unoptimised", second, sizeof second), second_id);
    snprintf(program, sizeof program, "%s/program", bench.folder);
    const char *const builds[] = {first, second};
    for (size_t i = 0; i < 2; i++) {
        run_command("cd %s && rm -f program && cp %s program", bench.folder, builds[i]);
        tacho_symboliser_hold(bench.symboliser, (uint32_t)getpid(), program, 0, 0);
    }
    run_command("rm %s", program);
    struct function in_first = work_function(), in_second = function_find(second, "work");
    assert_string_equal(bench_name(&bench, program, first_id, in_first.offset, 0)->function,
                        "work");
    assert_string_equal(bench_name(&bench, program, second_id, in_second.offset, 0)->function,
                        "work");
    assert_int_not_equal(in_first.offset, in_second.offset);
    bench_close(&bench);
}

static void a_deleted_file_of_the_same_build_that_is_back_is_read(void **state)
{
    (void)state;
    struct bench bench;
    char subject[512], path[600], id[TACHO_BUILD_ID_TEXT_MAX];
    bench_open(&bench);
    subject_path("subject_c", subject, sizeof subject);
    build_id_of(subject, id);
    snprintf(path, sizeof path, "%s (deleted)", subject);
    uint64_t offset = work_function().offset;
    assert_string_equal(bench_name(&bench, path, id, offset, 0)->function, "work");
    assert_string_equal(bench_name(&bench, path, "", offset, 0)->function, "[unknown]");
    bench_close(&bench);
}

static void a_chain_of_inlined_functions_is_linked_by_callers(void **state)
{
    (void)state;
    struct bench bench;
    char subject[512];
    bench_open(&bench);
    subject_path("subject_c", subject, sizeof subject);
    struct function work = work_function();
    unsigned deepest = 0;
    for (uint64_t at = 0; at < work.size; at++) {
        const struct tacho_run_frame *frame = bench_name(&bench, subject, "", work.offset + at, 0);
        unsigned depth = 0;
        for (; frame->caller != TACHO_NO_INDEX; depth++) {
            assert_true(frame->flags & TACHO_FRAME_INLINED);
            assert_string_not_equal(frame->function, "work");
            frame = &bench.run.frames.items[frame->caller];
            assert_int_not_equal(frame->line, 0);
        }
        assert_false(frame->flags & TACHO_FRAME_INLINED);
        assert_string_equal(frame->function, "work");
        deepest = depth > deepest ? depth : deepest;
    }
    assert_true(deepest >= 2); // mix in mix_twice in sum_of or work
    bench_close(&bench);
}

static void functions_without_a_mangled_name_are_shown_with_what_encloses_them(void **state)
{
    (void)state;
    struct bench bench;
    char subject[512];
    bench_open(&bench);
    subject_path("subject_cpp", subject, sizeof subject);
    struct function total = function_find(
        subject,
        "_ZN4shop5totalERKSt6vectorISt10unique_ptrINS_5OrderESt14default_deleteIS2_EESaIS5_EE");
    bool has_lambda = false;
    for (uint64_t at = 0; at < total.size; at++) {
        const char *name = bench_name(&bench, subject, "", total.offset + at, 0)->function;
        assert_string_not_equal(name, "operator()");
        has_lambda =
            has_lambda || (strncmp(name, "shop::total", 11) == 0 && strstr(name, "::operator()"));
    }
    assert_true(has_lambda);
    bench_close(&bench);
}

static void the_name_for_the_world_is_shown_with_and_without_dwarf(void **state)
{
    (void)state;
    struct bench bench;
    char subject[512];
    bench_open(&bench);
    subject_path("subject_c", subject, sizeof subject);
    struct function function = function_find(subject, "_shop_close");
    uint64_t last = function.offset + function.size - 1; // behind what is inlined into it
    assert_string_equal(bench_name(&bench, subject, "", last, 0)->function, "shop_close");
    assert_int_not_equal(bench_name(&bench, subject, "", last, 0)->line, 0);
    bench_close(&bench);
    bench_open(&bench);
    bench.config.names_only = true;
    assert_string_equal(bench_name(&bench, subject, "", last, 0)->function, "shop_close");
    bench_close(&bench);
}

static void names_alone_are_given_when_asked_for(void **state)
{
    (void)state;
    struct bench bench;
    char subject[512];
    bench_open(&bench);
    bench.config.names_only = true;
    subject_path("subject_c", subject, sizeof subject);
    const struct tacho_run_frame *frame =
        bench_name(&bench, subject, "", work_function().offset + 9, 0);
    assert_string_equal(frame->function, "work");
    assert_string_equal(frame->file, "");
    assert_int_equal(frame->caller, TACHO_NO_INDEX);
    bench_close(&bench);
}

static void a_compressed_small_symbol_table_gives_names(void **state)
{
    (void)state;
    struct bench bench;
    char program[512];
    bench_open(&bench);
    if (system("command -v xz > /dev/null") != 0) {
        bench_close(&bench);
        skip();
    }
    make_stripped(&bench, program, sizeof program);
    run_command("cd %s && strip --strip-debug -o small debug && xz small && objcopy "
                "--add-section .gnu_debugdata=small.xz program",
                bench.folder);
    const struct tacho_run_frame *frame =
        bench_name(&bench, program, "", work_function().offset + 9, 0);
    assert_string_equal(frame->function, "work");
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stripped_file_names_functions_by_their_start),
        cmocka_unit_test(files_without_symbols_are_said_if_they_matter),
        cmocka_unit_test(a_debug_link_gives_names_and_lines),
        cmocka_unit_test(a_linked_file_without_build_id_has_to_have_the_checksum),
        cmocka_unit_test(a_build_id_finds_the_debug_file_below_any_root),
        cmocka_unit_test(a_debug_file_of_another_build_is_refused),
        cmocka_unit_test(a_file_that_is_not_the_one_that_ran_is_refused),
        cmocka_unit_test(a_file_that_is_missing_or_no_program_is_said),
        cmocka_unit_test(stubs_are_called_after_what_they_call),
        cmocka_unit_test(an_address_that_no_symbol_covers_is_not_given_the_nearest_name),
        cmocka_unit_test(a_deleted_program_is_read_while_it_runs),
        cmocka_unit_test(a_deleted_program_that_was_held_is_read_after_its_end),
        cmocka_unit_test(a_program_that_is_replaced_while_it_runs_is_read_as_it_was),
        cmocka_unit_test(of_two_builds_under_one_path_each_is_read),
        cmocka_unit_test(a_deleted_file_of_the_same_build_that_is_back_is_read),
        cmocka_unit_test(a_chain_of_inlined_functions_is_linked_by_callers),
        cmocka_unit_test(functions_without_a_mangled_name_are_shown_with_what_encloses_them),
        cmocka_unit_test(the_name_for_the_world_is_shown_with_and_without_dwarf),
        cmocka_unit_test(names_alone_are_given_when_asked_for),
        cmocka_unit_test(a_compressed_small_symbol_table_gives_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
