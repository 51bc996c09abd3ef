/*
 * put_explanation.h - the `explanation` of a reply. Private to the codec.
 */
#ifndef PUT_EXPLANATION_H
#define PUT_EXPLANATION_H

#include "codec/text.h"
#include "service/service.h"

/* ,"explanation":{"output","ahead","value","baseline","state","inputs":[...],"residual"} */
/* Bytes that it takes at most. */
size_t put_explanation_max(const struct gru_info *info);
void put_explanation(struct text *text, const struct gru_info *info,
                     const struct explain_wish *wish, const struct gru_explanation *explanation);

#endif
