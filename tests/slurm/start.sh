#!/usr/bin/env bash
# A SLURM of one node and two CPUs on this machine, in a folder of its own, without systemd and cgroups; needs root.
#   tests/slurm/start.sh FOLDER     starts munged, slurmctld and slurmd; then: export SLURM_CONF=FOLDER/slurm.conf
#   tests/slurm/start.sh --stop FOLDER
set -euo pipefail

if [ "$1" = --stop ]; then
  for daemon in slurmd slurmctld munged; do
    [ ! -f "$2/$daemon.pid" ] || kill "$(cat "$2/$daemon.pid")" || true
  done
  exit
fi

folder=$(realpath "$1")
mkdir -p "$folder"/{state,spool,munge}
chmod 755 "$folder"
head -c 1024 /dev/urandom > "$folder/munge/key"
chown -R munge: "$folder/munge"
chmod 700 "$folder/munge/key"
chmod 711 "$folder/munge"

# cred_expire: a job that is requeued waits that long. config_overrides: two CPUs, whatever the machine has.
cat > "$folder/slurm.conf" <<END
ClusterName=one
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=1
KillWait=5
MinJobAge=3600
ReturnToService=2
MpiDefault=none
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END

runuser -u munge -- munged --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munge/pid" \
  --log-file="$folder/munge/log" --seed-file="$folder/munge/seed"
ln -sf munge/pid "$folder/munged.pid"
export SLURM_CONF="$folder/slurm.conf"
slurmctld -f "$SLURM_CONF"
slurmd -f "$SLURM_CONF"
for _ in $(seq 60); do
  if [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ]; then exit; fi
  sleep 0.5
done
echo "error: the node has not come up; see $folder/slurmctld.log and slurmd.log" >&2
exit 1
