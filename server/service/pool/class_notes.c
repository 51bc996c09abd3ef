#include "service/pool/class_notes.h"

#include "base/digest.h"

#include <string.h>

static uint64_t check_of(const struct class_notes *notes)
{
    const size_t n = notes->n_classes > CLASS_NOTES_FEW ? notes->n_classes : CLASS_NOTES_FEW;
    return digest_64(&notes->n_classes, sizeof notes->n_classes + n * sizeof *notes->classes, 0);
}

void class_notes_write(struct class_notes *notes, const struct pool_class *classes,
                       size_t n_classes)
{
    notes->n_classes = n_classes;
    memcpy(notes->classes, classes, n_classes * sizeof *classes);
    notes->check = check_of(notes);
}

void class_notes_layouts(const struct record_layout *layout, const struct pool_class *classes,
                         size_t n_classes, struct record_layout ret_layouts[POOL_CLASSES])
{
    memset(ret_layouts, 0, POOL_CLASSES * sizeof *ret_layouts);
    ret_layouts[0] = *layout;
    for (size_t k = 0; k < n_classes; k++) {
        ret_layouts[k + 1] = record_layout_with_tail(layout, classes[k].tail_bytes);
    }
}

bool class_notes_are_whole(const struct class_notes *notes)
{
    bool is_whole = notes->n_classes <= POOL_CLASSES_MAX && notes->check == check_of(notes);
    for (size_t k = 0; is_whole && k < notes->n_classes; k++) {
        is_whole = notes->classes[k].tail_bytes <= RECORD_TAIL_MAX;
    }
    return is_whole;
}

bool class_notes_are_valid(const struct class_notes *notes, const struct record_layout *layout)
{
    if (!class_notes_are_whole(notes)) {
        return false;
    }
    for (size_t k = 0; k < notes->n_classes; k++) {
        const struct record_layout with_tail =
            record_layout_with_tail(layout, notes->classes[k].tail_bytes);
        if (!record_layout_is_valid(&with_tail)) {
            return false;
        }
    }
    return true;
}
