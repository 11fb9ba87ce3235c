#include "profile/family.h"

#include <stddef.h>

const struct ds_family ds_families[] = {
    {"cost", DS_PAIRS_RESOLUTION, false, DS_NET_NONE, DS_SHARED_COST},
    {"cost-log", DS_PAIRS_NONE, true, DS_NET_NONE, DS_SHARED_COST},
    {"shared", DS_PAIRS_RESOLUTION, false, DS_NET_NONE, DS_SHARED_UNIT},
    {"shared-log", DS_PAIRS_NONE, true, DS_NET_NONE, DS_SHARED_UNIT},
    {"additive", DS_PAIRS_NONE, false, DS_NET_NONE, DS_SHARED_NOT},
    {"additive-log", DS_PAIRS_NONE, true, DS_NET_NONE, DS_SHARED_NOT},
    {"resolution", DS_PAIRS_RESOLUTION, false, DS_NET_NONE, DS_SHARED_NOT},
    {"resolution-log", DS_PAIRS_RESOLUTION, true, DS_NET_NONE, DS_SHARED_NOT},
    {"interactions", DS_PAIRS_UNIT, false, DS_NET_NONE, DS_SHARED_NOT},
    {"interactions-log", DS_PAIRS_UNIT, true, DS_NET_NONE, DS_SHARED_NOT},
    {"neural", DS_PAIRS_NONE, false, DS_NET_NEURAL, DS_SHARED_NOT},
    {"neural-log", DS_PAIRS_NONE, true, DS_NET_NEURAL, DS_SHARED_NOT},
    {"chain", DS_PAIRS_RESOLUTION, false, DS_NET_CHAIN, DS_SHARED_NOT},
    {"chain-log", DS_PAIRS_RESOLUTION, true, DS_NET_CHAIN, DS_SHARED_NOT},
    {NULL, DS_PAIRS_NONE, false, DS_NET_NONE, DS_SHARED_NOT},
};
