/* Adds the latency on an NPU. */
#include "profile_only.h"

int main(int argc, char **argv)
{
    return profile_only("ds-measure-npu", "npu", argc, argv);
}
