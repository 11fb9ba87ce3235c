#include "profile/family.h"

#include <stddef.h>

const struct ds_family ds_families[] = {
    {"additive", DS_PAIRS_NONE, false, DS_NET_NONE},
    {"additive-log", DS_PAIRS_NONE, true, DS_NET_NONE},
    {"resolution", DS_PAIRS_RESOLUTION, false, DS_NET_NONE},
    {"resolution-log", DS_PAIRS_RESOLUTION, true, DS_NET_NONE},
    {"interactions", DS_PAIRS_UNIT, false, DS_NET_NONE},
    {"interactions-log", DS_PAIRS_UNIT, true, DS_NET_NONE},
    {"neural", DS_PAIRS_NONE, false, DS_NET_NEURAL},
    {"neural-log", DS_PAIRS_NONE, true, DS_NET_NEURAL},
    {"chain", DS_PAIRS_RESOLUTION, false, DS_NET_CHAIN},
    {"chain-log", DS_PAIRS_RESOLUTION, true, DS_NET_CHAIN},
    {NULL, DS_PAIRS_NONE, false, DS_NET_NONE},
};
