// Code that is in no file: JITs' by their map files, the kernel's, the vdso's.
#include "subject.h"

#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

static void write_text(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

// Writes the map of process 4200077 (no kernel gives that number) into the folder of the bench.
static void write_map(struct bench *bench, const char *text, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/perf-4200077.map", bench->folder);
    write_text(path, text, size);
    bench->config.jit_folder = bench->folder;
}

static const struct tacho_run_frame *jit_name(struct bench *bench, uint64_t address)
{
    return bench_name(bench, "[jit 4200077]", "", address, TACHO_FRAME_JIT);
}

static void a_map_names_made_code(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    static const char text[] = "7f0000001000 40 JS:*hot /srv/x.js:3:13\n"
                               "0x7f0000001040 0x40 _ZN4shop4sellEv\n"
                               "7f0000001080 40 with blanks inside\r\n"
                               "7f00000010c0 40 not ended";
    write_map(&bench, text, sizeof text - 1);
    const struct tacho_run_frame *frame = jit_name(&bench, 0x7f0000001000);
    assert_string_equal(frame->function, "hot");
    assert_string_equal(frame->file, "/srv/x.js");
    assert_int_equal(frame->line, 3);
    assert_true(frame->flags & TACHO_FRAME_JIT);
    assert_string_equal(jit_name(&bench, 0x7f000000107f)->function, "shop::sell");
    assert_string_equal(jit_name(&bench, 0x7f0000001080)->function, "with blanks inside");
    assert_string_equal(jit_name(&bench, 0x7f00000010ff)->function, "not ended");
    assert_string_equal(jit_name(&bench, 0x7f0000001100)->function, "[unknown]");
    assert_string_equal(jit_name(&bench, 0x7f0000000fff)->function, "[unknown]");
    assert_int_equal(bench.run.notes.count, 0);
    bench_close(&bench);
}

static void a_lying_map_gives_what_it_can(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct tacho_buffer text = {0};
    tacho_buffer_text(&text,
                      "3000 100 third\n1000 100 first\n1000 100 first again\n1080 10 inside\n"
                      "ffffffffffffff00 200 beyond\n11112222333344445555 10 long\n"
                      "nonsense\n\n5000 0 empty\n6000\n7000 10\n7000 10 \nzz 10 x\n-1 10 y\n"
                      "9000 10 esc\x1b[31mape\n");
    tacho_buffer_text(&text, "8000 20 ");
    for (int i = 0; i < 300000; i++)
        tacho_buffer_byte(&text, 'n');
    tacho_buffer_text(&text, "\nffffffffffff0000 ffff edge\n");
    tacho_buffer_add(&text, "a000 10 ze\0ro\n\0\0\0\n", 19);
    write_map(&bench, text.data, text.size);
    tacho_buffer_release(&text);
    assert_string_equal(jit_name(&bench, 0x1000)->function, "first again");
    assert_string_equal(jit_name(&bench, 0x1085)->function, "inside");
    assert_string_equal(jit_name(&bench, 0x10ff)->function, "first again");
    assert_string_equal(jit_name(&bench, 0x30ff)->function, "third");
    assert_int_equal(strlen(jit_name(&bench, 0x8001)->function), 1024);
    assert_string_equal(jit_name(&bench, 0x9000)->function, "esc?[31mape");
    assert_string_equal(jit_name(&bench, 0xffffffffffff1000)->function, "edge");
    assert_string_equal(jit_name(&bench, 0xffffffffffffffff)->function, "[unknown]");
    assert_string_equal(jit_name(&bench, 0xa000)->function, "ze");
    assert_true(bench_has_note(&bench, "lines of perf-4200077.map were not understood"));
    bench_close(&bench);
}

static void a_map_that_is_missing_is_said(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    bench.config.jit_folder = bench.folder;
    assert_string_equal(jit_name(&bench, 0x1000)->function, "[unknown]");
    assert_true(bench_has_note(&bench, "/tmp/perf-4200077.map"));
    bench_close(&bench);
}

static void a_map_of_another_user_is_refused(void **state)
{
    (void)state;
    struct bench bench;
    char path[128];
    if (geteuid() != 0)
        skip(); // only root can give a file away
    bench_open(&bench);
    write_map(&bench, "1000 100 planted\n", 17);
    snprintf(path, sizeof path, "%s/perf-4200077.map", bench.folder);
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_string_equal(jit_name(&bench, 0x1000)->function, "[unknown]");
    assert_true(bench_has_note(&bench, "belongs to another user"));
    bench_close(&bench);
}

static void a_map_that_is_a_link_or_a_pipe_is_refused(void **state)
{
    (void)state;
    struct bench bench;
    char path[128];
    bench_open(&bench);
    bench.config.jit_folder = bench.folder;
    run_command("cd %s && echo 1000 100 planted > real && ln -s real perf-4200077.map",
                bench.folder);
    assert_string_equal(jit_name(&bench, 0x1000)->function, "[unknown]");
    snprintf(path, sizeof path, "%s/perf-4200077.map", bench.folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_string_equal(jit_name(&bench, 0x1001)->function, "[unknown]");
    assert_true(bench_has_note(&bench, "is not a regular file"));
    bench_close(&bench);
}

static void a_forked_process_uses_its_parents_map(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    write_map(&bench, "1000 100 inherited\n", 19);
    tacho_array_push(&bench.run.threads, (struct tacho_run_thread){.pid = 4200078,
                                                                   .tid = 4200078,
                                                                   .parent_pid = 4200077,
                                                                   .name = "",
                                                                   .command = "",
                                                                   .end_ns = 1});
    assert_string_equal(bench_name(&bench, "[jit 4200078]", "", 0x1000, TACHO_FRAME_JIT)->function,
                        "inherited");
    bench_close(&bench);
}

static void node_names_its_functions(void **state)
{
    (void)state;
    struct bench bench;
    if (system("command -v node > /dev/null") != 0)
        skip();
    bench_open(&bench);
    bench.config.jit_folder = bench.folder;
    run_command(
        "cd %s && sh -c 'echo $$ > pid; exec node --perf-basic-prof "
        "%s/tests/programs/work.js 0.3 > said' && mv /tmp/perf-$(cat pid).map perf-4200077.map",
        bench.folder, TACHO_SOURCE_DIR);
    struct tacho_buffer text = {0};
    struct tacho_fail fail = {0};
    char path[128];
    snprintf(path, sizeof path, "%s/perf-4200077.map", bench.folder);
    assert_int_equal(tacho_file_read(path, &text, 0, &fail), 0);
    // The optimised form of scriptHot is where its time goes.
    const char *found = strstr(text.data, "*scriptHot ");
    assert_non_null(found);
    while (found > text.data && found[-1] != '\n')
        found--;
    const struct tacho_run_frame *frame = jit_name(&bench, strtoull(found, NULL, 16) + 16);
    assert_string_equal(frame->function, "scriptHot");
    assert_non_null(strstr(frame->file, "work.js"));
    assert_int_equal(frame->line, 4);
    assert_int_equal(bench.run.notes.count, 0);
    tacho_buffer_release(&text);
    bench_close(&bench);
}

// The inner process of a container: has its own /tmp with a map and a program in it, and waits.
static void live_in_container(int said, const char *program)
{
    char command[1024];
    snprintf(command, sizeof command,
             "mount -t tmpfs none /tmp && cp %s /tmp/program && echo 1000 100 contained > "
             "/tmp/perf-1.map",
             program);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || getpid() != 1 ||
        system(command) != 0 || write(said, "x", 1) != 1)
        _exit(1);
    alarm(60); // should nobody end it
    pause();
    _exit(0);
}

// Starts it; returns its process number as seen from here, 0 where that is not permitted.
static pid_t start_container(const char *program)
{
    int said[2], number[2];
    pid_t inner = 0;
    assert_int_equal(pipe(said), 0);
    assert_int_equal(pipe(number), 0);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); // the inner one becomes ours
    pid_t outer = fork();
    assert_true(outer >= 0);
    if (outer == 0) {
        char byte;
        if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0 || (inner = fork()) < 0)
            _exit(1);
        if (inner == 0)
            live_in_container(said[1], program);
        close(said[1]);
        if (read(said[0], &byte, 1) != 1 || write(number[1], &inner, sizeof inner) < 0)
            _exit(1);
        _exit(0);
    }
    close(said[0]);
    close(said[1]);
    close(number[1]);
    if (read(number[0], &inner, sizeof inner) != sizeof inner)
        inner = 0;
    close(number[0]);
    waitpid(outer, NULL, 0);
    return inner;
}

static void a_container_is_seen_as_its_processes_see_it(void **state)
{
    (void)state;
    struct bench bench;
    char subject[512], id[TACHO_BUILD_ID_TEXT_MAX], module[32];
    subject_path("subject_c", subject, sizeof subject);
    pid_t inner = start_container(subject);
    if (inner == 0)
        skip(); // only root may make one
    bench_open(&bench);
    bench.symboliser = tacho_symboliser_new(NULL);
    tacho_symboliser_hold(bench.symboliser, (uint32_t)inner, "/tmp/program", 0, 0);
    build_id_of(subject, id);
    struct function work = function_find(subject, "work");
    assert_string_equal(bench_name(&bench, "/tmp/program", id, work.offset, 0)->function, "work");
    kill(inner, SIGKILL);
    assert_int_equal(waitpid(inner, NULL, 0), inner);
    snprintf(module, sizeof module, "[jit %d]", (int)inner);
    assert_string_equal(bench_name(&bench, module, "", 0x1010, TACHO_FRAME_JIT)->function,
                        "contained");
    assert_int_equal(bench.run.notes.count, 0);
    bench_close(&bench);
}

static const char kernel_text[] = "0000000000000000 A fixed_percpu_data\n"
                                  "ffffffff81000000 T _stext\n"
                                  "ffffffff81000000 T _text\n"
                                  "ffffffff81000100 t do_work\n"
                                  "ffffffff81000180 T __x64_sys_work\n"
                                  "ffffffff81000200 T _etext\n"
                                  "ffffffff82000000 D some_data\n"
                                  "ffffffffc0201000 t in_module\t[ext4]\n"
                                  "garbage\n"
                                  "ffffffffc0201100 t \n"
                                  "not ended";

static const struct tacho_run_frame *kernel_name(struct bench *bench, uint64_t address)
{
    return bench_name(bench, "[kernel]", "", address, TACHO_FRAME_KERNEL);
}

static void the_kernels_list_names_its_functions(void **state)
{
    (void)state;
    struct bench bench;
    char path[128];
    bench_open(&bench);
    snprintf(path, sizeof path, "%s/kallsyms", bench.folder);
    write_text(path, kernel_text, sizeof kernel_text - 1);
    bench.config.kernel_symbols = path;
    assert_string_equal(kernel_name(&bench, 0xffffffff81000140)->function, "do_work");
    assert_string_equal(kernel_name(&bench, 0xffffffff81000180)->function, "__x64_sys_work");
    assert_string_equal(kernel_name(&bench, 0xffffffffc0201010)->function, "in_module");
    assert_string_equal(kernel_name(&bench, 0xffffffff90000000)->function, "[kernel]");
    assert_string_equal(kernel_name(&bench, 0xffff800000000000)->function, "[kernel]");
    assert_true(kernel_name(&bench, 0xffffffff81000140)->flags & TACHO_FRAME_KERNEL);
    bench_close(&bench);
}

static void hidden_kernel_symbols_are_said_with_the_setting(void **state)
{
    (void)state;
    struct bench bench;
    char path[128];
    bench_open(&bench);
    snprintf(path, sizeof path, "%s/kallsyms", bench.folder);
    static const char text[] = "0000000000000000 T _stext\n0000000000000000 t do_work\n";
    write_text(path, text, sizeof text - 1);
    bench.config.kernel_symbols = path;
    assert_string_equal(kernel_name(&bench, 0xffffffff81000140)->function, "[kernel]");
    assert_true(bench_has_note(&bench, "kernel.kptr_restrict=0"));
    bench_close(&bench);
    bench_open(&bench);
    bench.config.kernel_symbols = "/nowhere/kallsyms";
    assert_string_equal(kernel_name(&bench, 0xffffffff81000140)->function, "[kernel]");
    assert_true(bench_has_note(&bench, "/nowhere/kallsyms"));
    bench_close(&bench);
}

static void a_run_of_a_few_samples_does_not_pay_for_kernel_names(void **state)
{
    (void)state;
    struct bench bench;
    char path[128];
    bench_open(&bench);
    snprintf(path, sizeof path, "%s/kallsyms", bench.folder);
    write_text(path, kernel_text, sizeof kernel_text - 1);
    bench.config.kernel_symbols = path;
    tacho_array_push(&bench.run.profiles, (struct tacho_run_profile){.name = "cpu"});
    struct tacho_run_profile *profile = bench.run.profiles.items;
    tacho_array_push(&profile->samples, (struct tacho_run_profile_sample){.weight = 1});
    assert_string_equal(kernel_name(&bench, 0xffffffff81000140)->function, "[kernel]");
    assert_true(bench_has_note(&bench, "not read for fewer than 5 samples"));
    for (int i = 0; i < 4; i++)
        tacho_array_push(&profile->samples, (struct tacho_run_profile_sample){.weight = 1});
    assert_string_equal(kernel_name(&bench, 0xffffffff81000141)->function, "do_work");
    bench_close(&bench);
}

// The first complete line of a code symbol with an address.
static uint64_t known_kernel_function(char *name, size_t size)
{
    char line[512], kind;
    uint64_t found = 0;
    FILE *file = fopen("/proc/kallsyms", "r");
    while (file && fgets(line, sizeof line, file)) {
        char read[256];
        unsigned long address;
        if (sscanf(line, "%lx %c %255s", &address, &kind, read) == 3 && address != 0 &&
            strcmp(read, "schedule") == 0) {
            snprintf(name, size, "%s", read);
            found = address;
            break;
        }
    }
    if (file)
        fclose(file);
    return found;
}

static void this_kernels_functions_have_names_where_it_shows_them(void **state)
{
    (void)state;
    struct bench bench;
    char name[256];
    uint64_t address = known_kernel_function(name, sizeof name);
    bench_open(&bench);
    const struct tacho_run_frame *frame =
        kernel_name(&bench, address ? address + 1 : 0xffffffff81000140);
    if (address)
        assert_string_equal(frame->function, name);
    else
        assert_true(bench_has_note(&bench, "names of kernel functions"));
    bench_close(&bench);
}

static void functions_of_the_vdso_have_names(void **state)
{
    (void)state;
    struct bench bench;
    uint64_t start = getauxval(AT_SYSINFO_EHDR);
    void *vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_NOLOAD);
    void *function = vdso ? dlsym(vdso, "__vdso_clock_gettime") : NULL;
    if (!start || !function)
        skip();
    bench_open(&bench);
    const struct tacho_run_frame *frame =
        bench_name(&bench, "[vdso]", "", (uint64_t)(uintptr_t)function - start + 1, 0);
    assert_non_null(strstr(frame->function, "clock_gettime"));
    assert_string_equal(bench_name(&bench, "[vdso]", "0123", 0x100, 0)->function, "[unknown]");
    assert_true(bench_has_note(&bench, "of another kernel"));
    bench_close(&bench);
}

static void memory_without_a_file_stays_unknown(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    static const char *const paths[] = {"[unmapped]", "[stack]",    "//anon", "",
                                        "relative",   "[vsyscall]", "/"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_string_equal(bench_name(&bench, paths[i], "", 0x1000, 0)->function, "[unknown]");
    struct tacho_fail fail = {0};
    uint32_t frame = tacho_run_frame_add(&bench.run, TACHO_NO_INDEX, 5, 0);
    assert_int_equal(tacho_symboliser_run(bench.symboliser, &bench.run, &fail), 0);
    assert_string_equal(bench.run.frames.items[frame].function, "[unknown]");
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_map_names_made_code),
        cmocka_unit_test(a_lying_map_gives_what_it_can),
        cmocka_unit_test(a_map_that_is_missing_is_said),
        cmocka_unit_test(a_map_of_another_user_is_refused),
        cmocka_unit_test(a_map_that_is_a_link_or_a_pipe_is_refused),
        cmocka_unit_test(a_forked_process_uses_its_parents_map),
        cmocka_unit_test(a_container_is_seen_as_its_processes_see_it),
        cmocka_unit_test(node_names_its_functions),
        cmocka_unit_test(the_kernels_list_names_its_functions),
        cmocka_unit_test(hidden_kernel_symbols_are_said_with_the_setting),
        cmocka_unit_test(a_run_of_a_few_samples_does_not_pay_for_kernel_names),
        cmocka_unit_test(this_kernels_functions_have_names_where_it_shows_them),
        cmocka_unit_test(functions_of_the_vdso_have_names),
        cmocka_unit_test(memory_without_a_file_stays_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
