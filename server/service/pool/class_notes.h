/*
 * class_notes.h - what a pool's file says of its classes (pool.h): how long their tails are, and
 * what they mean. In its first page, written before the file is put in its place, and never
 * changed. For pool_file.c.
 */
#ifndef CLASS_NOTES_H
#define CLASS_NOTES_H

#include "service/pool/pool.h"

enum { CLASS_NOTES_FEW = 6 }; /* that there may be in a file of any format */

struct class_notes {
    uint64_t check; /* over what follows, as far as there are classes, or a few */
    uint64_t n_classes;
    struct pool_class classes[POOL_CLASSES_MAX];
};

/* Into zeros. */
void class_notes_write(struct class_notes *notes, const struct pool_class *classes,
                       size_t n_classes);
bool class_notes_are_whole(const struct class_notes *notes);
/* Whether they are whole, and records of that layout can have such tails. */
bool class_notes_are_valid(const struct class_notes *notes, const struct record_layout *layout);
/* Of all classes; those that there are not are zeros. */
void class_notes_layouts(const struct record_layout *layout, const struct pool_class *classes,
                         size_t n_classes, struct record_layout ret_layouts[POOL_CLASSES]);

#endif
