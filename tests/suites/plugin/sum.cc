// A plugin in C++: a sum by the standard library.
#include <chirpbench_plugin.h>

#include <numeric>
#include <string>
#include <vector>

namespace {

struct Sum {
    std::vector<double> values;
    double result = 0;
};

int setup(const char *shape, int, void **state)
{
    auto *sum = new Sum;
    sum->values.assign(std::stoul(shape), 0.5);
    *state = sum;
    return 0;
}

void run(void *state)
{
    auto *sum = static_cast<Sum *>(state);
    sum->result = std::accumulate(sum->values.begin(), sum->values.end(), 0.0);
}

int check(void *state, double *relative_error)
{
    const auto *sum = static_cast<Sum *>(state);
    *relative_error = sum->result / (0.5 * static_cast<double>(sum->values.size())) - 1;
    return 0;
}

void teardown(void *state) { delete static_cast<Sum *>(state); }

const char *const shapes[] = {"1000", nullptr};
const chirp_plugin_kernel kernels[] = {{"sum/forward/accumulate", shapes, setup, run, check, nullptr, teardown},
                                       {nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr}};
const chirp_plugin plugin = {CHIRP_PLUGIN_ABI, "sum_of_mine", nullptr, nullptr, kernels, nullptr};

} // namespace

const chirp_plugin *chirp_plugin_entry(void) { return &plugin; }
