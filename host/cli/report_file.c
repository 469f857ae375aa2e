// Reports into files: see report_file.h.
#include "cli/report_file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int tacho_report_write(const struct tacho_report_format *format, const struct tacho_run *run,
                       const struct tacho_report_options *options, const char *path,
                       struct tacho_fail *fail)
{
    struct tacho_out out;
    bool is_standard = strcmp(path, "-") == 0;
    int fd =
        is_standard ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return tacho_fail_errno(fail, "cannot write the report to %s", path);
    tacho_out_init_fd(&out, fd);
    int status = tacho_report_render(format, run, options, &out, fail);
    if (status == 0)
        status = tacho_out_finish(&out, path, fail);
    tacho_out_release(&out);
    if (!is_standard) {
        close(fd);
        if (status < 0)
            unlink(path);
    }
    return status;
}
