"""A Slurm cluster of two nodes on this machine: loopback only, without systemd, as root."""

import os
import platform
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NODES = 2
_COMMANDS = ("slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo", "scontrol")
_UP_SECONDS = 60.0
# Nodes share one host, so each has a port of its own. A lost node counts as down after `SlurmdTimeout` seconds, and a
# job that is queued again may start `cred_expire` seconds later; both are two minutes or more by default, and
# `cred_expire` is that again below five.
_CONFIGURATION = """
ClusterName=planted
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
SlurmdParameters=config_overrides
AuthType=auth/none
AuthInfo=cred_expire=5
CredType=cred/none
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,batch_sched_delay=0,requeue_delay=1
ReturnToService=2
MpiDefault=none
SlurmdTimeout=10
InactiveLimit=0
KillWait=2
MinJobAge=600
JobRequeue=1
NodeName=n[1-{nodes}] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first}-{last}] CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Return why there can be no cluster here; empty if there can."""
    lacking = [command for command in _COMMANDS if shutil.which(command) is None]
    if lacking:
        return f"Slurm is not installed here: there is no {lacking[0]}"
    if os.geteuid() != 0:
        return "a cluster on one machine needs root"
    return ""


@contextmanager
def cluster(folder: Path, port: int) -> Iterator[dict[str, str]]:
    """Start a cluster, and yield the variables that its commands need; end it afterwards."""
    configuration = folder / "slurm.conf"
    (folder / "state").mkdir(parents=True)
    configuration.write_text(
        _CONFIGURATION.format(
            host=platform.node().partition(".")[0],
            port=port,
            folder=folder,
            nodes=NODES,
            first=port + 1,
            last=port + NODES,
        )
    )
    variables = {"SLURM_CONF": str(configuration)}
    environment = {**os.environ, **variables}
    try:
        _call(["slurmctld", "-f", str(configuration)], environment)
        for number in range(1, NODES + 1):
            start_node(number, environment)
        _wait_for_nodes(environment, folder)
        _require_settings(folder)
        yield variables
    finally:
        for file in folder.glob("*.pid"):
            with suppress(OSError, ValueError):
                os.kill(int(file.read_text()), signal.SIGKILL)


def start_node(number: int, environment: dict[str, str]) -> None:
    """Start the daemon of a node."""
    _call(["slurmd", "-f", environment["SLURM_CONF"], "-N", f"n{number}"], environment)


def lose_node(number: int, folder: Path) -> None:
    """Kill the daemon of a node and all that it started, as a loss of power would."""
    daemon = int((folder / f"slurmd.n{number}.pid").read_text())
    spool = f"spool.n{number}"
    os.kill(daemon, signal.SIGKILL)
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdigit() and spool in (process / "cmdline").read_text():
                os.kill(int(process.name), signal.SIGKILL)
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdigit() and f"SLURMD_NODENAME=n{number}\0" in (process / "environ").read_text():
                os.kill(int(process.name), signal.SIGKILL)


def _call(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout


def _require_settings(folder: Path) -> None:
    """Require that Slurm took every setting: it only logs one that it refuses, and goes on with its own of minutes."""
    refused = re.findall(r"error: (\w+=\S+) invalid", (folder / "slurmctld.log").read_text())
    if refused:
        raise ValueError(f"Slurm refuses {', '.join(refused)} and takes its default")


def _wait_for_nodes(environment: dict[str, str], folder: Path) -> None:
    deadline = time.monotonic() + _UP_SECONDS
    while _call(["sinfo", "-h", "-N", "-o", "%T"], environment).split().count("idle") < NODES:
        if time.monotonic() > deadline:
            logs = "\n".join(path.read_text()[-2000:] for path in folder.glob("*.log"))
            raise TimeoutError(f"the nodes did not come up: {logs}")
        time.sleep(0.1)
