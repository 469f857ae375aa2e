// Where the program's code is mapped, for naming the functions that compiler hooks found.
#include "decode/ring_reader.h"

#define MODULES_MAX 8192u

static int push(struct tacho_ring_reader *reader, const struct tacho_ring_module *module,
                struct tacho_sink *sink, struct tacho_fail *fail)
{
    char path[TACHO_READER_TEXT_MAX];
    struct tacho_record record = {.kind = TACHO_RECORD_MAP};
    struct tacho_map_info *map = &record.map;
    tacho_reader_text(reader, module->path, path);
    map->pid = reader->identity.pid;
    map->start = module->start;
    map->end = module->end;
    map->offset = module->offset;
    map->path = path;
    map->executable = true;
    if (module->build_id_size > 0 && module->build_id_size <= sizeof module->build_id) {
        map->build_id = module->build_id;
        map->build_id_size = module->build_id_size;
    }
    return module->start < module->end ? tacho_sink_put(sink, &record, fail) : 0;
}

int tacho_reader_modules_push(struct tacho_ring_reader *reader, struct tacho_sink *sink,
                              struct tacho_fail *fail)
{
    // New ones are put in front of the list.
    uint32_t count = reader->header.module_count, at = reader->header.module_first;
    for (uint32_t i = reader->modules_pushed; i < count && i < MODULES_MAX && at != 0; i++) {
        struct tacho_ring_module module;
        if (tacho_reader_get(reader, tacho_reader_offset(at), &module, sizeof module) < 0)
            return tacho_fail_set(fail, TACHO_ERR_FORMAT,
                                  "the list of modules in the ring file is damaged");
        int code = push(reader, &module, sink, fail);
        if (code < 0)
            return code;
        at = module.next;
    }
    reader->modules_pushed = count;
    return 0;
}
