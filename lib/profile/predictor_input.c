#include "profile/predictor_input.h"

int ds_predictor_input_index(const double *list, int n, double value)
{
    for (int i = 0; i < n; i++)
        if (list[i] == value)
            return i;
    return -1;
}
