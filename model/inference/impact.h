/**
 * How much each filter of the root matters to each leaf (after the hierarchical self-decomposition of Sairam et al. 2018,
 * arXiv:1811.04406), and networks without the filters that don't matter.
 *
 * Leaving filter k out sets its outputs a_k(t) to zero, which changes the mean output z of a leaf by -sum_t a_k(t) dz/da_k(t) to
 * first order. Its impact is the root mean square of that over training signals, in units of the label map; chirp_impact_without()
 * leaves it out.
 */
#ifndef CHIRP_MODEL_INFERENCE_IMPACT_H
#define CHIRP_MODEL_INFERENCE_IMPACT_H

#include "harness/base/status.h"
#include "model/inference/likelihood.h"
#include "model/network/network.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct chirp_impact {
    int n_layers, n_leaves; /**< of the root; leaves */
    int64_t
        first[CHIRP_MAX_ROOT_LAYERS + 1]; /**< layer l has filters first[l] to first[l + 1] - 1 */
    int64_t filters;                      /**< of all layers together */
    double *value;                        /**< [leaves][filters] */
    float *output; /**< [signals][leaves][outputs] of the whole network, to compare with */
} chirp_impact;

/**
 * The network with the means of its weights, without weight noise, able to give gradients; its own copy of everything.
 * @param batch  signals of a pass
 */
chirp_status chirp_impact_twin(const chirp_network *net, int64_t batch, chirp_network **twin);

/**
 * @param twin    of chirp_impact_twin()
 * @param strain  [n][length]; n a multiple of the twin's batch
 * @param impact  receives it; release it with chirp_impact_release(), also after a failure
 */
chirp_status chirp_impact_measure(chirp_network *twin, const float *strain, int64_t n,
                                  chirp_impact *impact);
void chirp_impact_release(chirp_impact *impact); /**< accepts a zeroed value */

/**
 * Root mean square change of each leaf's mean output without a filter.
 * @param strain  the signals that the impact was measured with
 * @param filter  from 0 to impact->filters - 1
 * @param change  receives [leaves]
 */
chirp_status chirp_impact_without(chirp_network *twin, const float *strain, int64_t n,
                                  const chirp_impact *impact, int64_t filter, double *change);

/** What is kept of a network. */
typedef struct chirp_cut {
    int n_leaves;
    int leaf[CHIRP_MAX_LEAVES]; /**< numbers of the leaves that are kept, rising */
    int n_layers;
    int64_t width[CHIRP_MAX_ROOT_LAYERS]; /**< filters that each layer of the root keeps */
} chirp_cut;

/** The layer table of such a network. CHIRP_ERR_ARG: not fewer than the table has, or none. */
chirp_status chirp_cut_spec(const chirp_network_spec *whole, const chirp_cut *cut,
                            chirp_network_spec *spec);

/** The likelihood of such a network, with the whole one's label map. @param spec  of chirp_cut_spec() */
void chirp_cut_likelihood(const chirp_likelihood *whole, const chirp_cut *cut,
                          const chirp_network_spec *spec, chirp_likelihood *part);

/**
 * Keeps a filter if its impact on any of the kept leaves is at least `threshold` times the largest of its layer on that leaf, and the next
 * ones until each layer has a multiple of 16 filters, which vectors hold.
 * @param leaf, n_leaves  of `cut`, filled in by the caller; its widths are filled in here
 * @param keep  receives [filters]
 */
chirp_status chirp_cut_choose(const chirp_impact *impact, double threshold, chirp_cut *cut,
                              bool *keep);

/**
 * Parameters of a network that was cut out.
 * @param keep  [filters] of `whole`'s root, as chirp_cut_choose() made it
 * @param part  made with the table of chirp_cut_spec() and otherwise the same configuration
 */
void chirp_cut_parameters(const chirp_network *whole, const chirp_cut *cut, const bool *keep,
                          chirp_network *part);

#endif
