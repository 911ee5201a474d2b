#!/bin/bash
# Measures scaling under PBS: one rank on each node, with all of its cores.
#
#     qsub -l select=64:ncpus=128:mpiprocs=1 pbs.sh
#     qsub -l select=64:ncpus=128:mpiprocs=4 -v SCALE_OPTIONS='--batch 16' pbs.sh      several ranks on a node
#
# SCALE_OPTIONS are options of `chirpbench scale`. Writes scale-JOB.json into the folder that the job was sent from.
# CHIRPBENCH names the program where it isn't in PATH, MPIEXEC the launcher with its options where it isn't MPICH's.
#PBS -N chirpbench-scale
#PBS -l select=2:ncpus=128:mpiprocs=1
#PBS -l place=scatter:excl
#PBS -l walltime=00:30:00
#PBS -j oe
set -eu
cd "$PBS_O_WORKDIR"
ranks=$(grep -c . "$PBS_NODEFILE") # a line for every rank
nodes=$(sort -u "$PBS_NODEFILE" | grep -c .)
# PBS sets OMP_NUM_THREADS to the processors of a rank
launch=${MPIEXEC:-mpiexec -n $ranks -ppn $((ranks / nodes))}
# shellcheck disable=SC2086  # both are lists of words
exec $launch "${CHIRPBENCH:-chirpbench}" scale --json "scale-$PBS_JOBID.json" ${SCALE_OPTIONS:-}
