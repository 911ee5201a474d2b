#!/bin/bash
# Measures scaling under Slurm: one rank on each node, with all of its cores. Options of `chirpbench scale` may follow.
#
#     sbatch --nodes 64 slurm.sh --batch 64
#     sbatch --nodes 64 --ntasks-per-node 4 --cpus-per-task 32 slurm.sh --batch 16      several ranks on a node
#
# Writes scale-JOB.json and its table to slurm-JOB.out. CHIRPBENCH names the program where it isn't in PATH.
#SBATCH --job-name=chirpbench-scale
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=128
#SBATCH --exclusive
#SBATCH --time=00:30:00
set -eu
# Ranks have processors of their own and as many threads; without OMP_NUM_THREADS chirpbench counts them itself.
export OMP_PROC_BIND=${OMP_PROC_BIND:-close} OMP_PLACES=${OMP_PLACES:-cores}
exec srun --ntasks="$SLURM_NTASKS" --cpus-per-task="$SLURM_CPUS_PER_TASK" --cpu-bind=cores \
    "${CHIRPBENCH:-chirpbench}" scale --json "scale-$SLURM_JOB_ID.json" "$@"
