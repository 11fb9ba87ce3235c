/*
 * A network in int8: what oneDNN is given, and what int8 models of other runtimes are written from.
 *
 * Numbers. An element q of a tensor stands for scale * q; there are no zero points. Tensors are
 *   - f32 (scale 1): what follows a global pool (squeeze-excite gates, the head's linear layers),
 *     and the network's output where a convolution without residual writes it (engines give an
 *     output of 8 bits as floats);
 *   - u8, 0 to 255, scale = range / 255: what cannot be negative: after ReLU, ReLU6 or
 *     hard-sigmoid; pools and shuffles of u8; u8 times a gate that is not negative; sums of u8;
 *   - s8, -128 to 127, scale = range / 127: all others, the input among them.
 * A pool (not a global one) and a shuffle write their input's type and scale.
 *
 * Layers. A convolution that reads 8 bits has weights s8 with a scale for each output channel,
 * weight_scale[o] = max |w[o]| / 127, w_q = round(w / weight_scale), and a bias s32,
 * b_q = round(b / (scale_in * weight_scale[o])). (Where |b_q| would be over 2^30, which is a
 * channel whose weights are next to nothing, weight_scale[o] is made larger until it is not.)
 * With x_q and r_q the elements of the input and of the residual, s_x, s_r, s_y the scales of
 * input, residual and output, it computes
 *
 *     acc = sum w_q * x_q + b_q                                (32-bit integers, exact)
 *     y   = act(s_x * weight_scale[o] * acc + s_r * r_q)       (f32)
 *     y_q = clamp(round(y / s_y))                              (to nearest, halves to even)
 *
 * or, where the output is f32, y itself: nothing is rounded before the activation. The others:
 *
 *     max pool    y_q = max x_q                      average pool  y_q = round(mean x_q)
 *     scale       y_q = clamp(round(s_x * x_q * gate / s_y))
 *     add         y_q = clamp(round(act(s_x * x_q + s_x2 * x2_q) / s_y))
 *     global pool y = s_x * mean x_q                 (f32)
 *     input       x_q = clamp(round(x / s_x))
 *
 * A layer that reads f32 is computed in f32, with the network's own weights (ds_weights_of).
 *
 * Ranges are those of an f32 run (f32.h) on images: the largest magnitude seen in the tensor. The
 * same images give the same scales on every machine. (The range of the least mean square error was
 * tried: on eight networks of examples/fashion it gained 0.07 points of top-1 of the 0.6 that int8
 * costs, within chance, and took as long again.)
 */
#ifndef DS_QUANTIZE_QUANTIZE_H
#define DS_QUANTIZE_QUANTIZE_H

#include "network/images.h"
#include "network/network.h"
#include "quantize/dtype.h"

/* So many seeded images where no others are given: the first of what engines run on (ds_input). */
#define DS_QUANT_SEEDED 2

/* So many of the images to calibrate with tell the ranges, at most. */
#define DS_QUANT_IMAGES 128

struct ds_quant_tensor {
    enum ds_element element; /* DS_ELEMENT_F32, _S8 or _U8 */
    float scale;             /* f32: 1 */
};

struct ds_quant_layer {
    bool int8;           /* a convolution that reads 8 bits; the rest is for those */
    int8_t *weights;     /* [cout][cin/groups][kernel][kernel] */
    float *weight_scale; /* [cout] */
    int32_t *bias;       /* [cout] */
    /*
     * For runtimes that round before the activation: the s8 scale of what is before it, residual
     * included, range / 127. And before the residual is added.
     */
    float before_scale, alone_scale;
};

/* Zero-initialise; reuse from one network to the next; free with ds_quant_free. */
struct ds_quant {
    int ntensors, nlayers; /* of the network */
    struct ds_quant_tensor *tensor;
    struct ds_quant_layer *layer;
    size_t images;   /* that told the ranges */
    size_t nresults; /* of them, the first: at most DS_QUANT_SEEDED */
    size_t result_size;
    float *result; /* [nresults][result_size]: what the f32 run made of them */
};

/*
 * The int8 form of a network, with the weights that it is given or those of the seed. `images` tell
 * the ranges, the first DS_QUANT_IMAGES of them; NULL: DS_QUANT_SEEDED seeded ones. -1 and why:
 * out of memory, activations that are not finite, a layer that has no rule above (a sum of 8 bits
 * and f32).
 */
int ds_quantize(const struct ds_net *net, uint64_t seed, const struct ds_image_source *images,
                struct ds_quant *quant, struct ds_error *err);

/*
 * The types alone, which no image or weight decides: all scales are 1, and layers have no weights.
 */
int ds_quant_types(const struct ds_net *net, struct ds_quant *quant, struct ds_error *err);

/* What an accumulator of a convolution of int8 stands for: scale_in * weight_scale[o]. */
float ds_quant_scale(const struct ds_net *net, const struct ds_quant *quant,
                     const struct ds_layer *layer, int o);

void ds_quant_free(struct ds_quant *quant);

#endif
