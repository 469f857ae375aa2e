// Reports into files: see report_file.h.
#include "cli/report_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char tacho_report_format_names[] =
#define TACHO_REPORT_FORMAT(name, extension, summary) "|" #name
#include "render/formats.def"
#undef TACHO_REPORT_FORMAT
    ;

int tacho_report_file_open(struct tacho_report_file *file, const char *path,
                           struct tacho_fail *fail)
{
    struct stat status;

    *file = (struct tacho_report_file){.path = path, .fd = STDOUT_FILENO};
    if (strcmp(path, "-") != 0) {
        file->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (file->fd < 0)
            return tacho_fail_errno(fail, "cannot write the report to %s", path);
        // A pipe or a device is not ours to remove.
        file->is_regular = fstat(file->fd, &status) == 0 && S_ISREG(status.st_mode);
    }
    tacho_out_init_fd(&file->out, file->fd);
    return 0;
}

int tacho_report_file_close(struct tacho_report_file *file, int status, struct tacho_fail *fail)
{
    if (status == 0)
        status = tacho_out_finish(&file->out, file->path, fail);
    tacho_out_release(&file->out);
    if (file->fd != STDOUT_FILENO)
        close(file->fd);
    if (status < 0 && file->is_regular)
        unlink(file->path);
    return status;
}

int tacho_report_write(const struct tacho_report_format *format, const struct tacho_run *run,
                       const struct tacho_report_options *options, const char *path,
                       struct tacho_fail *fail)
{
    struct tacho_report_file file;
    int status = tacho_report_file_open(&file, path, fail);

    if (status < 0)
        return status;
    status = tacho_report_render(format, run, options, &file.out, fail);
    return tacho_report_file_close(&file, status, fail);
}
