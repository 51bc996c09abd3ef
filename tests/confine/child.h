/* child.h - a process of its own for what there is no way back from. */
#ifndef CHILD_H
#define CHILD_H

/* Runs it in a child, whose exit code is what it returns. Returns that, or 128 + the signal that
 * ended it. */
int in_child(int (*run)(const void *argument), const void *argument);

#endif
