#include "profile/predictor_window.h"

#include "base/grow.h"
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

static int make_room(struct ds_windows *w, size_t n, struct ds_error *err)
{
    size_t row = w->width * sizeof(float);
    return ds_grow(&w->window, &w->room[0], n, sizeof *w->window, err) ||
                   ds_grow(&w->state, &w->room[1], n, row, err) ||
                   ds_grow(&w->message, &w->room[2], n, 2 * row, err)
               ? -1
               : 0;
}

int ds_windows_init(struct ds_windows *w, size_t width, const struct ds_convolution *convolution,
                    struct ds_error *err)
{
    size_t n = DS_WINDOW_STARTS;
    *w = (struct ds_windows){.width = width, .convolution = convolution};
    if (make_room(w, n, err))
        return -1;
    memset(w->window, 0, n * sizeof *w->window);
    memset(w->state, 0, n * width * sizeof *w->state);
    memset(w->message, 0, 2 * n * width * sizeof *w->message);
    w->n = w->done = n;
    return 0;
}

void ds_windows_free(struct ds_windows *w)
{
    free(w->window);
    free(w->state);
    free(w->message);
}

int ds_windows_go_on(struct ds_windows *from, struct ds_windows *to, int before, int step, int own,
                     struct ds_error *err)
{
    int *next = &from->window[before].next[step];
    if (*next == 0) {
        if (make_room(to, to->n + 1, err))
            return -1;
        to->window[to->n] = (struct ds_window){.before = before, .own = own};
        *next = (int)to->n++;
    }
    return *next;
}

void ds_window_state(float *restrict state, const float *restrict before,
                     const float *restrict itself, const float *restrict own, size_t width)
{
    for (size_t i = 0; i < width; i++) {
        float sum = before[i] + itself[i], leak = 0.01f * sum;
        state[i] = sum > leak ? sum : leak;
    }
    for (size_t i = 0; own && i < width; i++)
        state[i] += own[i];
}

void ds_windows_compute(struct ds_windows *to, const struct ds_windows *from)
{
    size_t width = to->width, first = to->done, n = to->n - first;
    for (size_t i = first; i < to->n; i++) {
        const struct ds_window *w = &to->window[i];
        const float *before = from->message + (size_t)w->before * 2 * width,
                    *itself = from->message + (size_t)w->own * 2 * width + width,
                    *own = from->state ? from->state + (size_t)w->own * width : NULL;
        ds_window_state(to->state + i * width, before, itself, own, width);
        memset(to->message + i * 2 * width, 0, width * sizeof *to->message);
        memcpy(to->message + i * 2 * width + width, to->convolution->bias,
               width * sizeof *to->message);
    }
    if (n)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)(2 * width), (int)width,
                    1, to->state + first * width, (int)width, to->convolution->weight, (int)width,
                    1, to->message + first * 2 * width, (int)(2 * width));
    to->done = to->n;
}
