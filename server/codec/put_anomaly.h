/*
 * put_anomaly.h - how unusual a reading was, as the replies of steps have it. For the encoders.
 */
#ifndef PUT_ANOMALY_H
#define PUT_ANOMALY_H

#include "codec/put.h"

/* Bytes of what is put. */
size_t put_anomaly_max(const struct gru_info *info);
/* ,"anomaly":{...} if the step has asked for it. */
void put_anomaly(struct text *text, const struct gru_info *info, const struct step *step);

#endif
