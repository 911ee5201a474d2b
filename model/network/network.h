/**
 * The root-and-leaf Bayesian network: parameters in one arena, forward and backward pass.
 *
 * Data flow for a batch of N signals, rightmost index contiguous:
 *     strain [N][length] -> root: conv + bias + ReLU (+ max pool) ... -> features [N][width*channels]
 *     features -> every leaf: dense1 (ReLU, dropout) -> dense2 -> dense3 -> output [N][leaves][outputs]
 * outputs is 1 (fixed noise scale) or 2 (learned): the raw mean z and, when learned, the raw scale s. tanh and
 * softplus are applied by the likelihood (model/inference/likelihood.h), not here.
 *
 * Parameters: one flat array of floats plus a table of tensors in the order in which the backward pass finishes
 * them (leaf 0 from its last layer up, leaf 1, ..., then the root's last convolution up to the first), so that
 * optimiser, gradient exchange, checkpoint and tests loop over the table and buckets are contiguous.
 *   name            kind     extents
 *   root/conv4/weight        [filters][in channels][taps]    deterministic convolution
 *   root/conv4/mean, rho     the same                        variational: w = mean + softplus(rho) * eps
 *   leaf0/dense2/...         [outputs][inputs]
 *   .../bias                 [filters] or [outputs]          always a point, as in TensorFlow Probability
 *
 * All work is parallel inside; results are bitwise the same for every number of threads.
 */
#ifndef CHIRP_MODEL_NETWORK_NETWORK_H
#define CHIRP_MODEL_NETWORK_NETWORK_H

#include "model/network/shape.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct chirp_network chirp_network;

/** One pass over the network: what the random draws are a function of. */
typedef struct chirp_pass {
    bool training;  /**< dropout on */
    bool sample;    /**< false: variational weights take their means */
    uint64_t step;  /**< draws are a function of (seed, layer, step, noise); below 2^30 */
    uint32_t noise; /**< weight noise drawn apart within a step: 0 when all ranks and passes share
                             it, else the number of this pass among those of all ranks; below 65536 */
    uint64_t seed_offset; /**< added to the seed of the weight noise: 0 in training */
    uint64_t first_row;   /**< number of the batch's first row in the whole batch over all ranks */
} chirp_pass;

/** Called when the gradient of a tensor is final. */
typedef void (*chirp_tensor_ready)(void *context, int tensor);

chirp_status chirp_network_create(const chirp_network_config *config, chirp_network **net);
void chirp_network_destroy(chirp_network *net); /**< accepts NULL */

/**
 * From now on a pass has `batch` signals. Parameters and gradients stay, with their addresses; outputs of earlier passes don't.
 * Plans of the latest four numbers of signals are kept, and buffers only grow: a number that comes back costs nothing, another
 * one the making of its plans. On failure nothing has changed, but buffers may have grown.
 */
chirp_status chirp_network_set_batch(chirp_network *net, int64_t batch);

const chirp_network_config *chirp_network_configuration(const chirp_network *net);
/** The tensor table; n receives its length. Owned by the network. */
const chirp_tensor *chirp_network_tensors(const chirp_network *net, int *n);
const chirp_layer_info *chirp_network_layers(const chirp_network *net, int *n);

int64_t chirp_network_parameter_count(const chirp_network *net);
/** The arena, to read. */
const float *chirp_network_values(const chirp_network *net);
/** The arena, to write: who changes numbers in it calls chirp_network_parameters_changed() before the next forward pass. */
float *chirp_network_parameters(chirp_network *net);
/** Says that parameters have changed: layers that keep packed copies make them again in the next forward pass. */
void chirp_network_parameters_changed(chirp_network *net);
/** NULL when the network was not made for training. */
float *chirp_network_gradients(chirp_network *net);

/**
 * Fresh parameters, a function of `seed` alone: weights (and means) normal with variance 2 / (fan_in + fan_out) (Glorot
 * and Bengio 2010; TensorFlow's default, hence the public code's), biases 0, rho = initial_rho. Variance 2 / fan_in (He)
 * drives the tanh outputs into saturation within ten Adam steps here: max pooling lets the mean of the activations grow
 * from layer to layer, and every step moves 1856 inputs of dense1 the same way.
 * @param scale_bias  initial bias of the raw scale output (ignored with one output)
 */
void chirp_network_initialize(chirp_network *net, uint64_t seed, double scale_bias);

/**
 * Asks from now on after every layer of a forward or backward pass whether to go on. A pass that isn't to go on ends there, and
 * the next pass is as good as ever.
 * @param go_on  NULL: nobody is asked
 */
void chirp_network_ask(chirp_network *net, bool (*go_on)(void *context), void *context);

/**
 * @param strain  [N][length]
 * @param output  [N][leaves][outputs]
 * @return false when it was ended early: output is then not written whole
 */
bool chirp_network_forward(chirp_network *net, const float *strain, const chirp_pass *pass,
                           float *output);

/** The root alone; the features [N][feature_count] stay valid until the next forward pass. NULL when it was ended early. */
const float *chirp_network_forward_root(chirp_network *net, const float *strain,
                                        const chirp_pass *pass);

/**
 * What layer `number` of chirp_network_layers() put out in the last forward pass, [N][out_width * out_channels], behind activation,
 * pool and dropout; valid until the next pass.
 */
const float *chirp_network_layer_output(const chirp_network *net, int number);

/** The gradient of f(output) with respect to that of a convolution, as the last backward pass left it; NULL without training. */
const float *chirp_network_layer_gradient(const chirp_network *net, int number);

/**
 * Gradient of  loss = f(output) + kl_weight * KL  with respect to all parameters, for the inputs and draws of the
 * last forward pass, whose `pass` must be given again; pass->sample must be true unless nothing is variational.
 * It may be asked for another `doutput` without another forward pass.
 * @param strain   as in the forward pass
 * @param doutput  [N][leaves][outputs], d f / d output
 * @param ready    NULL, or called once per tensor in table order
 * @return false when it was ended early: what was not announced by then has no gradient
 */
bool chirp_network_backward(chirp_network *net, const float *strain, const chirp_pass *pass,
                            const float *doutput, double kl_weight, chirp_tensor_ready ready,
                            void *context);

/**
 * When every rank drew the same weight noise (reparameterization), the gradient of a rho is the gradient of its w times a
 * known number, so rho's gradients need not travel: this makes them anew from the averaged gradients of the means,
 *     dw = dmean - kl_weight * mean / prior^2,   drho = ( dw * eps + KL term ) * logistic(rho).
 * Arguments as in the backward pass before it. Equal to exchanging both, up to rounding.
 * @param tensor  the means' number in the table; rho is the tensor behind it
 */
void chirp_network_shared_noise_gradients(chirp_network *net, int tensor, const chirp_pass *pass,
                                          double kl_weight);

/**
 * Share of the inputs of the leaves' last layers that were not zero in the last forward pass: the neurons that reach the
 * output. 1 without the activation that the study removed from dense2.
 */
double chirp_network_active_share(const chirp_network *net);

/** Medians over CHIRP_TIMED_PASSES training passes, packing of weights included [s]. */
typedef struct chirp_network_times {
    double forward_s; /**< of the whole forward pass */
    double layer_forward_s[CHIRP_MAX_LAYERS];
    double layer_backward_s[CHIRP_MAX_LAYERS];
} chirp_network_times;

enum { CHIRP_TIMED_PASSES = 5 };

/**
 * Times training passes over a batch of white noise, after one pass that warms up. The network must have been made for
 * training and initialised; its parameters stay, its gradients are overwritten. CHIRP_ERR_NOMEM.
 */
chirp_status chirp_network_time_layers(chirp_network *net, chirp_network_times *times);

/** KL divergence of the posterior from the prior over all variational weights [nats]. */
double chirp_network_kl(const chirp_network *net);

#endif
