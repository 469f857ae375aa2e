// The folder in shared memory that a command's ring files go to.
#ifndef TACHO_CAPTURE_RING_FOLDER_H
#define TACHO_CAPTURE_RING_FOLDER_H

#include "base/buffer.h"
#include "base/fail.h"

// Makes a new folder, only for this user, and puts its path into `path`. Folders that killed tachos
// left are removed by the way, unless a program still writes there.
int tacho_ring_folder_make(struct tacho_buffer *path, struct tacho_fail *fail);
// Removes the folder with the ring files in it.
void tacho_ring_folder_remove(const char *path);

#endif
