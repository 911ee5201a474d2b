#include "model/signal/remnant.h"
#include "model/signal/ringdown_tables.h"
#include "model/signal/spline.h"

#include <math.h>
#include <pthread.h>

/* Both branches joined at a = 0, where they are one analytic family. */
enum { JOINED = 2 * CHIRP_QNM_ROWS - 1 };

static struct {
    double a[JOINED], value[2][JOINED], second[2][JOINED];
} labels;
static struct {
    double a[CHIRP_PHENOMD_RINGDOWN_ROWS], value[2][CHIRP_PHENOMD_RINGDOWN_ROWS],
        second[2][CHIRP_PHENOMD_RINGDOWN_ROWS];
} model;
static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static void prepare(void)
{
    double work[JOINED];
    for (int i = 0; i < JOINED; ++i) {
        const double *row = i < CHIRP_QNM_ROWS ? chirp_qnm_retrograde[i]
                                               : chirp_qnm_prograde[i - CHIRP_QNM_ROWS + 1];
        labels.a[i] = 1e-3 * (i - (CHIRP_QNM_ROWS - 1));
        labels.value[0][i] = row[0];
        labels.value[1][i] = row[1];
    }
    for (int i = 0; i < CHIRP_PHENOMD_RINGDOWN_ROWS; ++i) {
        model.a[i] = chirp_phenomd_ringdown[i][0];
        model.value[0][i] = chirp_phenomd_ringdown[i][1];
        model.value[1][i] = chirp_phenomd_ringdown[i][2];
    }
    const double natural[2] = {0, 0}; /* as the model was published */
    for (int c = 0; c < 2; ++c) {
        /* the mode bends strongly towards a = 1: a natural end would cost 1e-4 in the last interval */
        const double *first = labels.value[c], *last = labels.value[c] + JOINED - 1;
        const double ends[2] = {(2 * first[0] - 5 * first[1] + 4 * first[2] - first[3]) / 1e-6,
                                (2 * last[0] - 5 * last[-1] + 4 * last[-2] - last[-3]) / 1e-6};
        chirp_spline_prepare(labels.a, labels.value[c], JOINED, ends, labels.second[c], work);
        chirp_spline_prepare(model.a, model.value[c], CHIRP_PHENOMD_RINGDOWN_ROWS, natural,
                             model.second[c], work);
    }
}

chirp_binary chirp_binary_ordered(chirp_binary b)
{
    if (b.m1_msun >= b.m2_msun)
        return b;
    return (chirp_binary){
        .m1_msun = b.m2_msun, .m2_msun = b.m1_msun, .chi1 = b.chi2, .chi2 = b.chi1};
}

double chirp_final_spin(const chirp_binary *binary)
{
    const double total = binary->m1_msun + binary->m2_msun;
    const double mu1 = binary->m1_msun / total, mu2 = binary->m2_msun / total;
    const double eta = mu1 * mu2, eta2 = eta * eta, eta3 = eta2 * eta;
    const double s = mu1 * mu1 * binary->chi1 + mu2 * mu2 * binary->chi2;
    const double s2 = s * s;
    return eta * (2 * sqrt(3.0) - 4.399247300629289 * eta + 9.397292189321194 * eta2 -
                  13.180949901606242 * eta3) +
           s * (1 - 0.0850917821418767 * eta - 5.837029316602263 * eta2) +
           s2 * (0.1014665242971878 * eta - 2.0967746996832157 * eta2) +
           s2 * s * (-1.3546806617824356 * eta + 4.108962025369336 * eta2) +
           s2 * s2 * (-0.8676969352555539 * eta + 2.064046835273906 * eta2);
}

double chirp_radiated_fraction(const chirp_binary *binary)
{
    const double total = binary->m1_msun + binary->m2_msun;
    const double mu1 = binary->m1_msun / total, mu2 = binary->m2_msun / total;
    const double eta = mu1 * mu2, eta2 = eta * eta;
    const double s =
        (mu1 * mu1 * binary->chi1 + mu2 * mu2 * binary->chi2) / (mu1 * mu1 + mu2 * mu2);
    return (0.055974469826360077 * eta + 0.5809510763115132 * eta2 -
            0.9606726679372312 * eta2 * eta + 3.352411249771192 * eta2 * eta2) *
           (1 +
            s * (-0.0030302335878845507 - 2.0066110851351073 * eta + 7.7050567802399215 * eta2)) /
           (1 + s * (-0.6714403054720589 - 1.4756929437702908 * eta + 7.304676214885011 * eta2));
}

chirp_status chirp_qnm(double a, double *omega_r, double *omega_i)
{
    if (!(fabs(a) <= 0.99))
        return chirp_fail(CHIRP_ERR_RANGE,
                          "remnant spin %g: the quasi-normal-mode table covers -0.99 to 0.99", a);
    (void)pthread_once(&prepared, prepare);
    *omega_r = chirp_spline_value(labels.a, labels.value[0], labels.second[0], JOINED, a);
    *omega_i = chirp_spline_value(labels.a, labels.value[1], labels.second[1], JOINED, a);
    return CHIRP_OK;
}

void chirp_qnm_fit(double a, double *omega_r, double *omega_i)
{
    const double quality = 0.7000 + 1.4187 * pow(1 - a, -0.4990);
    *omega_r = 1.5251 - 1.1568 * pow(1 - a, 0.1292);
    *omega_i = *omega_r / (2 * quality);
}

void chirp_phenomd_ringdown_at(double a_f, double *mf_ring, double *mf_damp)
{
    (void)pthread_once(&prepared, prepare);
    *mf_ring = chirp_spline_value(model.a, model.value[0], model.second[0],
                                  CHIRP_PHENOMD_RINGDOWN_ROWS, a_f);
    *mf_damp = chirp_spline_value(model.a, model.value[1], model.second[1],
                                  CHIRP_PHENOMD_RINGDOWN_ROWS, a_f);
}
