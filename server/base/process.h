/*
 * process.h - what the kernel says of this process: its time, memory, files and threads. A leaf;
 * any thread. It reads /proc/self, which is memory and no disk, and changes nothing.
 */
#ifndef PROCESS_H
#define PROCESS_H

/* NAN: the kernel does not say. */
struct process {
    double cpu_seconds; /* of all threads, also of those that have ended */
    double resident_bytes, virtual_bytes;
    double n_open_fds, n_fds_max;
    double n_threads;
    double started_at; /* by process_started_at, once: two looks would differ by microseconds */
};

void process_read(double started_at, struct process *ret_process);
/* When it was started, Unix seconds by the wall clock of this moment. */
double process_started_at(void);

#endif
