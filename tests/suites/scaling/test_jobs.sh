#!/bin/bash
# The job scripts of suites/scaling/jobs as a batch system runs them, with launchers that call our mpiexec instead.
# usage: test_jobs.sh MPIEXEC CHIRPBENCH FOLDER_OF_THE_SCRIPTS
mpiexec=$1
export CHIRPBENCH=$2
jobs=$3
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
    echo "FAIL: $*"
    exit 1
}

# a launcher under a name: notes its arguments, takes --ntasks=N or -n N, drops other options and starts what follows
launcher() {
    mkdir -p bin
    cat >"bin/$1" <<END
#!/bin/bash
echo "\$*" >"$work/$1.arguments"
while :; do
    case \$1 in
    --ntasks=*) ranks=\${1#*=}; shift ;;
    -n) ranks=\$2; shift 2 ;;
    -ppn) shift 2 ;;
    -*) shift ;;
    *) break ;;
    esac
done
unset PBS_NODEFILE PBS_ENVIRONMENT # ours would look for these nodes
exec "$mpiexec" -n "\$ranks" "\$@"
END
    chmod +x "bin/$1"
}

check() { # JOB ARGUMENTS_FILE PART...
    grep -q "\"job\":.*\"$1\"" "scale-$1.json" || fail "scale-$1.json doesn't name the job"
    [ "$(grep -c '"batch_per_rank"' "scale-$1.json")" -eq 2 ] || fail "scale-$1.json: rows of 1 and 2 ranks expected"
    file=$2
    shift 2
    for part; do
        grep -qe "$part" "$file" || fail "the launcher got '$(cat "$file")' without '$part'"
    done
}

small="--batch 1 --steps 1 --repetitions 1 --warmup 0"
launcher srun
launcher mpiexec
unset OMP_PLACES OMP_NUM_THREADS
export OMP_PROC_BIND=false # our launcher gives ranks no processors of their own
# shellcheck disable=SC2086
PATH=$work/bin:$PATH SLURM_JOB_ID=4711 SLURM_NTASKS=2 SLURM_CPUS_PER_TASK=128 bash "$jobs/slurm.sh" $small >slurm.out 2>&1 ||
    fail "slurm.sh: $(cat slurm.out)"
check 4711 srun.arguments --ntasks=2 --cpus-per-task=128 --cpu-bind=cores

printf 'node1\nnode2\n' >nodes
PATH=$work/bin:$PATH PBS_JOBID=4712.server PBS_NODEFILE=nodes PBS_O_WORKDIR=$work OMP_NUM_THREADS=1 SCALE_OPTIONS=$small \
    bash "$jobs/pbs.sh" >pbs.out 2>&1 || fail "pbs.sh: $(cat pbs.out)"
check 4712.server mpiexec.arguments "-n 2" "-ppn 1"
echo "jobs: Slurm and PBS scripts start as many ranks as they were given: passed"
