/* scratch.h - what the tests of the leaves share: temporary folders, files, and what was printed.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stddef.h>

/* A new folder below /tmp, from malloc; folder_remove deletes it with all that is in it and frees
 * the name.
 */
char *folder_create(void);
void folder_remove(char *folder);

/* "folder/name", from malloc. */
char *path_in(const char *folder, const char *name);
/* Creates the folders of its path as needed. */
void file_write(const char *path, const void *bytes, size_t n);
void text_write(const char *folder, const char *name, const char *text);
/* The bytes and a NUL, from malloc. */
char *file_read(const char *path, size_t *ret_n);

/* Whatever is written to a file descriptor between begin and end. */
struct capture {
    int fd, saved_fd, memory_fd;
};
struct capture capture_begin(int fd);
char *capture_end(struct capture *capture); /* from malloc */

#endif
