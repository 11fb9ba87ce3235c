/*
 * Once-for-All's ResNet50 as its own programs number it (once-for-all, ofa_resnets.py): four units
 * of at most 4, 4, 6 and 4 layers, 18 in all; six widths of three each, the stem's two, then the
 * units'.
 */
#ifndef DS_FORMATS_OFA_RESNET50_H
#define DS_FORMATS_OFA_RESNET50_H

#include "base/json_text.h"
#include "space/arch.h"
#include <jansson.h>

#define DS_RESNET50_LAYERS 18
#define DS_RESNET50_WIDTHS 6

/* Whether a space is OFA-ResNet50's, with all choices or some of them at each site. */
bool ds_is_resnet50(const struct ds_space *space);

/* The site of width w (0..5), of the stem's depth; -1 where the space has none. */
int ds_resnet50_width_site(const struct ds_space *space, int w);
int ds_resnet50_stem_site(const struct ds_space *space);

/* Which of the three of width w has so many channels; the first where two have; -1: none. */
int ds_resnet50_choice(int w, int channels);

/* Which of the 18 layers is the first of a unit. */
int ds_resnet50_first(int unit);

/* As ds_ofa_read (ofa.h), but for the resolution, which is read there. */
int ds_resnet50_read(const struct ds_space *space, const json_t *dict, uint8_t *choice,
                     struct ds_error *err);

/* Appends the lists of a dictionary to an object. */
void ds_resnet50_write(const struct ds_space *space, const uint8_t *choice,
                       struct ds_json_text *out);

#endif
