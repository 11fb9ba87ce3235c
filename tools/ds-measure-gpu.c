/* Adds the latency on a GPU. */
#include "profile_only.h"

int main(int argc, char **argv)
{
    return profile_only("ds-measure-gpu", "gpu", argc, argv);
}
