#include "profile/family.h"

#include <stddef.h>

const struct ds_family ds_families[] = {
    {"additive", DS_PAIRS_NONE, false, false},
    {"additive-log", DS_PAIRS_NONE, true, false},
    {"resolution", DS_PAIRS_RESOLUTION, false, false},
    {"resolution-log", DS_PAIRS_RESOLUTION, true, false},
    {"interactions", DS_PAIRS_UNIT, false, false},
    {"interactions-log", DS_PAIRS_UNIT, true, false},
    {"neural", DS_PAIRS_NONE, false, true},
    {"neural-log", DS_PAIRS_NONE, true, true},
    {NULL, DS_PAIRS_NONE, false, false},
};
