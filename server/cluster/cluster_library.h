/*
 * cluster_library.h - the functions that the engine has of grud: the text of library/, which
 * mk/cluster.mk puts into the binary. Their names carry the number of what they take and do, so
 * that nodes of two builds work side by side.
 *
 *     CLUSTER_WRITE  keys  the epoch's; then for each record its own, and that of the index of ids
 *                    args  the epoch; then for each record the token that it must have ("": there
 *                          is none), its value, which begins with a token ("": delete it), the
 *                          milliseconds that it has to live ("0": no end), its id, when it was last
 *                          seen: milliseconds, negative; and how many readings are kept of what its
 *                          session records ("": none is recorded). If so, then how many readings
 *                          this write brings, and these
 *                    gives for each record 1: done; 0: there is none; a text: the one that is
 *                          there; or an error, of this one alone. Then the number of the write
 *     CLUSTER_READ   keys  the epoch's; then the records'
 *                    args  the epoch; then the tokens that are known ("": none)
 *                    gives for each record 1: it has that token; 0: there is none; a text: it.
 *                          Then how many writes there were
 *
 *     CLUSTER_RECORDED   keys  the epoch's; the record's
 *                        args  the epoch; from where and to where, as LRANGE has them
 *                        gives readings that its session has recorded, the newest last
 *
 *     CLUSTER_LIST_IDS   keys  the epoch's; that of the index
 *                        args  the epoch; from where and to where, as ZRANGE BYLEX has them; how
 *                              many at most
 *                        gives ids, in their order
 *     CLUSTER_LIST_SEEN  keys  likewise
 *                        args  the epoch; when the one was last seen ("": from the beginning) and
 *                              the id of the one that they come behind; how many at most
 *                        gives an id and when it was last seen, and so on: the newest first, those
 *                              of the same moment by their ids
 *     CLUSTER_LEAVE  keys  the epoch's; the record's, and that of the index
 *                    args  the epoch; the token that it must have ("": there is none), its id
 *                    gives 1: its id is listed no more; 0: it has another token
 *
 *     CLUSTER_MODELS_CHANGED  keys  the epoch's; that of the catalogue
 *                             args  the epoch; what the counter of changes was
 *                             gives what it is, and the models that have changed since
 *     CLUSTER_MODEL_READ      keys  the epoch's; the model's
 *                             args  the epoch
 *                             gives "active" and "newest" with a number each, and numbers of
 *                                   versions with what is known of each ("": it was deleted)
 *     CLUSTER_MODEL_FILE      keys  the epoch's; the file's, "MODEL'S:NUMBER"
 *                             args  the epoch; from where, how many bytes at most
 *                             gives them
 *     CLUSTER_MODEL_UPLOAD    keys  the epoch's; one that nobody else uses
 *                             args  the epoch; how many bytes there are, the next ones, for how
 *                                   many milliseconds they are kept
 *                             gives 1: done; 0: there are more or fewer
 *     CLUSTER_MODEL_PUT       keys  the epoch's; the catalogue's, the model's, the upload's
 *                             args  the epoch; the model's name; the number that it is to have
 *                                   ("0": the next), how many bytes were uploaded, which word makes
 *                                   it the same as another version ("0": none), what is known of it
 *                             gives its number, or that of the same one, or of that number, which
 *                                   are left as they are; 0: the upload is not whole. Then how
 *                                   many writes there are, of which each change is one
 *     CLUSTER_MODEL_ACTIVATE  keys  the epoch's; the catalogue's, the model's
 *                             args  the epoch; the model's name, the number, the one that must be
 *                                   active ("0": any)
 *                             gives likewise the one that was active (0: none); -1: there is no
 *                                   such version
 *     CLUSTER_MODEL_DELETE    keys  likewise
 *                             args  the epoch; the model's name, the number
 *                             gives likewise 1: done; 0: there is no such version; -1: it is active
 *
 *     CLUSTER_LOOK   keys  the epoch's
 *                    args  what a node knows: the epoch ("": nothing), the run of the engine in
 *                          which it learnt that, and the highest number of a write that it was
 *                          told; the present run
 *                    gives the epoch, how many writes there were, how many of them are left if some
 *                          are lost (-1: none is), and 1 if that is being healed. 0: CLUSTER_MEET
 *                          is to be called
 *     CLUSTER_MEET   keys  the epoch's
 *                    args  likewise; an epoch to be taken where there is none; and "yes" if a loss
 *                          that is found is to be healed
 *                    gives likewise, once it has noted the run, the epoch, or the loss
 *     CLUSTER_HEAL   keys  as of CLUSTER_WRITE
 *                    args  the epoch; then for each record its token, its value, which begins with
 *                          that, the milliseconds that it has to live, its id, and when it was last
 *                          seen
 *                    gives for each record 1: given back; 0: the engine has it; 2: a newer one; or
 *                          an error. Then the number of the write. 0: it is healed no more
 *
 * Those of jobs have the keys of the epoch and of the jobs, "PREFIXj", and after the epoch these
 * arguments. A "node" is who works at a job; columns and rows are names and values by turns, and an
 * event is their number and they; an "upload" is the name of one ("": none).
 *
 *     CLUSTER_JOB_UPLOAD       an upload, a piece that is added to it
 *     CLUSTER_JOB_INSERT       id, status, how many may wait (-1: any number), an upload of series;
 *                              a name ("": none) and a time: if the last job of that name is not
 *                              over, or was created then or later, no other may be; how many
 *                              sessions, these; an event (0: none); columns
 *                              gives its number and its event's; how many jobs there are of each
 *                              status: too many wait; -1: the id is there; -2: no such upload; -3:
 *                              there is another of its name. Then how many writes there are: it is
 *                              one
 *     CLUSTER_JOB_FIND         id; gives the number and the columns; 0: there is none
 *     CLUSTER_JOB_LIST         below which number, as ZRANGE BYSCORE has it; model ("": any),
 *                              status ("-1": any), how many
 *                              gives where to go on (0: that was all), then as CLUSTER_JOB_FIND
 *     CLUSTER_JOB_TAKE         node; gives as CLUSTER_JOB_FIND
 *     CLUSTER_JOB_LOOK         node, number (0: none)
 *                              gives a counter of changes, how many jobs there are of each status,
 *                              and the status of that one (7: another node's, or over)
 *     CLUSTER_JOB_CLAIM        node, number; gives its status, 7 as before, -1: it is gone
 *     CLUSTER_JOB_RELEASE      node, number
 *     CLUSTER_JOB_UPDATE       node, number, revision, status that it must have, that it gets, when
 *                              it ended; how many events, these; columns
 *                              gives 1, the status, the ids of the events; or 0 and the status that
 *                              it has (7: another revision than another node's); or -1: it is gone.
 *                              Then how many writes there are: it is one, unless the job goes on
 *                              by itself
 *     CLUSTER_JOB_EVENT        node, number, an event; gives its id, 0: it is over or another
 *                              node's, -1: it is gone
 *     CLUSTER_JOB_CHECKPOINT   node, number, an upload, a row; gives likewise, or -2
 *     CLUSTER_JOB_PUT_SERIES   node, number, an upload; gives 1, or likewise
 *     CLUSTER_JOB_DATA         number, "series" or "state"; gives how many pieces there are, and
 *                              the row of a state's checkpoint, as XRANGE does
 *     CLUSTER_JOB_PIECE        number, "series" or "state", which one from 0
 *     CLUSTER_JOB_SESSIONS     number
 *     CLUSTER_JOB_EVENTS       number, from which id, how many; gives as XRANGE
 *     CLUSTER_JOB_CHECKPOINTS  number, down from which id, how many; gives as XREVRANGE
 *     CLUSTER_JOB_FORGET       number
 *     CLUSTER_JOB_DELETE_ENDED before when; gives what one that ended was (7: there is none, 6:
 *                              nobody knows)
 *
 * Another epoch is an error of the whole, and nothing is done then (CLUSTER_IS_EPOCH), but for
 * CLUSTER_LOOK, CLUSTER_MEET and CLUSTER_HEAL. An id is listed with each write of its record, and
 * no more once that was deleted. That of a record whose time ends stays until CLUSTER_LEAVE, or
 * until a later new record has it found.
 */
#ifndef CLUSTER_LIBRARY_H
#define CLUSTER_LIBRARY_H

#include <stddef.h>

#define CLUSTER_LIBRARY   "grud_2"
#define CLUSTER_WRITE     (CLUSTER_LIBRARY "_write")
#define CLUSTER_READ      (CLUSTER_LIBRARY "_read")
#define CLUSTER_RECORDED  (CLUSTER_LIBRARY "_recorded")
#define CLUSTER_LIST_IDS  (CLUSTER_LIBRARY "_list_ids")
#define CLUSTER_LIST_SEEN (CLUSTER_LIBRARY "_list_seen")
#define CLUSTER_LEAVE     (CLUSTER_LIBRARY "_leave")
#define CLUSTER_LOOK      (CLUSTER_LIBRARY "_look")
#define CLUSTER_MEET      (CLUSTER_LIBRARY "_meet")
#define CLUSTER_HEAL      (CLUSTER_LIBRARY "_heal")

#define CLUSTER_MODELS_CHANGED (CLUSTER_LIBRARY "_models_changed")
#define CLUSTER_MODEL_READ     (CLUSTER_LIBRARY "_model_read")
#define CLUSTER_MODEL_FILE     (CLUSTER_LIBRARY "_model_file")
#define CLUSTER_MODEL_UPLOAD   (CLUSTER_LIBRARY "_model_upload")
#define CLUSTER_MODEL_PUT      (CLUSTER_LIBRARY "_model_put")
#define CLUSTER_MODEL_ACTIVATE (CLUSTER_LIBRARY "_model_activate")
#define CLUSTER_MODEL_DELETE   (CLUSTER_LIBRARY "_model_delete")

#define CLUSTER_JOB_UPLOAD       (CLUSTER_LIBRARY "_job_upload")
#define CLUSTER_JOB_INSERT       (CLUSTER_LIBRARY "_job_insert")
#define CLUSTER_JOB_FIND         (CLUSTER_LIBRARY "_job_find")
#define CLUSTER_JOB_LIST         (CLUSTER_LIBRARY "_job_list")
#define CLUSTER_JOB_TAKE         (CLUSTER_LIBRARY "_job_take")
#define CLUSTER_JOB_LOOK         (CLUSTER_LIBRARY "_job_look")
#define CLUSTER_JOB_CLAIM        (CLUSTER_LIBRARY "_job_claim")
#define CLUSTER_JOB_RELEASE      (CLUSTER_LIBRARY "_job_release")
#define CLUSTER_JOB_UPDATE       (CLUSTER_LIBRARY "_job_update")
#define CLUSTER_JOB_EVENT        (CLUSTER_LIBRARY "_job_event")
#define CLUSTER_JOB_CHECKPOINT   (CLUSTER_LIBRARY "_job_checkpoint")
#define CLUSTER_JOB_PUT_SERIES   (CLUSTER_LIBRARY "_job_put_series")
#define CLUSTER_JOB_DATA         (CLUSTER_LIBRARY "_job_data")
#define CLUSTER_JOB_PIECE        (CLUSTER_LIBRARY "_job_piece")
#define CLUSTER_JOB_SESSIONS     (CLUSTER_LIBRARY "_job_sessions")
#define CLUSTER_JOB_EVENTS       (CLUSTER_LIBRARY "_job_events")
#define CLUSTER_JOB_CHECKPOINTS  (CLUSTER_LIBRARY "_job_checkpoints")
#define CLUSTER_JOB_FORGET       (CLUSTER_LIBRARY "_job_forget")
#define CLUSTER_JOB_DELETE_ENDED (CLUSTER_LIBRARY "_job_delete_ended")

enum { CLUSTER_TOKEN_BYTES = 16 };

extern const char cluster_library_text[];
extern const size_t cluster_library_n;

#endif
