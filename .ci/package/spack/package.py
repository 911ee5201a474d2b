# Spack recipe. Use: spack repo create my; copy this file to my/packages/chirpbench/package.py; spack repo add my;
# spack dev-build chirpbench@main from a checkout. Kept here until a release has an address for `url`.
from spack.package import *


class Chirpbench(CMakePackage):
    """Benchmark suite in C11, OpenMP and SIMD around a Bayesian neural network for gravitational waves."""

    license("BSD-3-Clause")

    version("main")

    variant("papi", default=True, description="Count hardware events with PAPI")
    variant("onednn", default=False, description="Build the oneDNN baseline benchmarks")
    variant("simgrid", default=False, description="Build the SimGrid projection")

    depends_on("c", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("mpi")
    depends_on("hdf5~mpi")
    depends_on("fftw precision=float,double")
    depends_on("hwloc")
    depends_on("cjson")
    depends_on("libxsmm")
    depends_on("papi", when="+papi")
    depends_on("onednn", when="+onednn")
    depends_on("simgrid", when="+simgrid")
    depends_on("gnuplot", type="run")

    def cmake_args(self):
        return [
            # Spack's compiler wrapper adds the flags of the target; the project's own SIMD code must not ask for the build node's
            self.define("CHIRP_NATIVE", False),
            self.define("CHIRP_TESTS", False),
            self.define_from_variant("CHIRP_PAPI", "papi"),
            self.define_from_variant("CHIRP_ONEDNN", "onednn"),
            self.define_from_variant("CHIRP_SIMGRID", "simgrid"),
            self.define("MPI_C_COMPILER", self.spec["mpi"].mpicc),
        ]
