/*
 * blend_reply.h - what a mixed forecast is made of, as a reply tells it.
 */
#ifndef BLEND_REPLY_H
#define BLEND_REPLY_H

#include "service/scores/mixture.h"

struct blend_reply {
    bool is_told; /* false: it was not asked for */
    bool has_seasonal;
    double weights[MIXTURE_EXPERTS]; /* the means over outputs and steps ahead */
};

#endif
