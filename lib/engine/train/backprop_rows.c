/* backprop_rows.c - what families that see each row by itself have in common; see struct
 * backprop_family. */
#include "engine/train/backprop_layer.h"

void backprop_cut_rows(const struct backprop *bp, struct backprop_layer *layer,
                       struct block_cutter *cutter)
{
    (void)bp;
    backprop_cut_result(layer, cutter);
}

void backprop_forward_rows(const struct backprop_pass *pass, const struct backprop_layer *layer,
                           const float *in, size_t ld_in)
{
    const struct layer_rows rows = { .ops = pass->bp->ops,
                                     .n_lanes = pass->chunk->n_rows,
                                     .n_steps = 1,
                                     .in = in,
                                     .ld_in = ld_in,
                                     .out = backprop_result(pass, layer) };
    layer->shape->kind->forward(&layer->packed, &rows);
}
