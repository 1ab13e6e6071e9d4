"""Workers as the tasks of a Slurm job array, by plain `sbatch`, `squeue` and `scancel`.

Slurm starts a preempted task, and one whose node was lost, again by itself. The script asks for a new start where Slurm
does not: at the time limit, and when the worker was killed. A worker that starts again goes on with its slice.
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence

from budgetscope.calibrate.engines import base
from budgetscope.calibrate.engines.base import AGAIN, Options, worker_arguments
from budgetscope.calibrate.run.folder import RunFolder
from budgetscope.calibrate.run.launches import Launch, note_job
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.store.files import write_atomically

_MOST_STARTS = 100
_GRACE_SECONDS = 90
_SECONDS = 60.0
# Options that ask for GPUs, by the beginning of their words.
_GPU_WORDS = ("--gres", "--gpus", "-G")
# What the script sets itself.
_OURS = ("--array", "--output", "--error", "--wrap", "--parsable", "--export", "--signal")
_OURS_SHORT = ("-a", "-o", "-e")


def script(folder: RunFolder, launch: Launch, options: Options, device: str) -> str:
    """Return the script of the job array.

    Args:
        folder: of the run.
        launch: with its number of workers, and options of sbatch.
        options: of the workers.
        device: on which the workers train; on CUDA each task gets one GPU.

    Raises:
        UsageError: an option of sbatch is one that the script sets, or cannot be read.
    """
    asked = words(launch.submit)
    lines = [
        f"--job-name={_plain(f'budgetscope-{folder.name}')}",
        f"--array=0-{launch.workers - 1}",
        "--requeue",
        "--open-mode=append",
        f"--output={str(folder.output.absolute()).replace('%', '%%')}/{launch.number:04d}-%a.log",
        f"--signal=B:TERM@{_GRACE_SECONDS}",
    ]
    if device == "cuda" and not any(word.startswith(_GPU_WORDS) for word in asked):
        lines.append("--gres=gpu:1")
    command = shlex.join([*base.WORKER, *worker_arguments(folder, launch, options)])
    head = "\n".join(f"#SBATCH {line}" for line in map(shlex.quote, [*lines, *asked]))
    return f"""#!/bin/bash
{head}
# Train until the run is over. A signal before the time limit, or a kill, starts this task again.
trap 'kill -TERM "$worker" 2>/dev/null' TERM
{command} --slot "$SLURM_ARRAY_TASK_ID" &
worker=$!
wait "$worker"; code=$?
while kill -0 "$worker" 2>/dev/null; do wait "$worker"; code=$?; done
if [ "${{SLURM_RESTART_COUNT:-0}}" -lt {_MOST_STARTS} ] && {{ [ "$code" -eq {AGAIN} ] || [ "$code" -eq 137 ]; }}; then
    exec scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}"
fi
exit "$code"
"""


def start(folder: RunFolder, launch: Launch, options: Options, device: str) -> str:
    """Submit the job array and return its job id.

    Raises:
        BudgetscopeError: Slurm is not here, or refuses.
    """
    if shutil.which("sbatch") is None:
        raise FailureError(
            "there is no `sbatch` here; run this on a login node of a Slurm cluster, or leave --engine out."
        )
    path = folder.launches / f"{launch.number:04d}.sh"
    text = script(folder, launch, options, device)
    write_atomically(path, text)
    folder.output.mkdir(exist_ok=True)
    try:
        job = _run(["sbatch", "--parsable", str(path.absolute())]).strip().partition(";")[0]
    except FailureError as error:
        raise FailureError(
            f"{error} The run is kept: go on with `budgetscope calibrate --resume {folder.handle}` where Slurm "
            "answers, or with other options in --slurm."
        ) from None
    note_job(folder, launch, job)
    return job


def pending(launch: Launch) -> str:
    """Return the tasks of a job that Slurm still knows, like `2 running, 1 pending (Priority)`; empty if none."""
    if not launch.job or shutil.which("squeue") is None:
        return ""
    try:
        said = _run(["squeue", "--noheader", "--array", f"--jobs={launch.job}", "--format=%T|%r"])
    except FailureError:
        # Slurm forgets a job some minutes after its end.
        return ""
    found: dict[str, int] = {}
    for line in said.splitlines():
        state, _, why = line.strip().partition("|")
        if state in ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", ""):
            continue
        name = state.lower() + (f" ({why})" if state == "PENDING" and why not in ("None", "") else "")
        found[name] = found.get(name, 0) + 1
    return ", ".join(f"{count} {name}" for name, count in found.items())


def end(launch: Launch, *, kill: bool) -> None:
    """Cancel a job, or send SIGTERM to its scripts; a job that Slurm does not know is ignored."""
    if not launch.job or shutil.which("scancel") is None:
        return
    how = [] if kill else ["--signal=TERM", "--batch"]
    subprocess.run(["scancel", *how, launch.job], capture_output=True, check=False, timeout=_SECONDS)  # noqa: S603, S607


def words(submit: str) -> list[str]:
    """Return the words of the options of sbatch.

    Raises:
        UsageError: they cannot be read, or one is an option that the script sets.
    """
    try:
        found = shlex.split(submit)
    except ValueError as error:
        raise UsageError(f"--slurm {submit!r} cannot be read ({error}); close its quotes.") from None
    if "\n" in submit:
        raise UsageError(f"--slurm {submit!r} has a line break; write it on one line.")
    for word in found:
        if not word.startswith("-") and word == found[0]:
            raise UsageError(f"--slurm {submit!r} does not begin with an option of sbatch; write like --partition=gpu.")
        name = word[:2] if word.startswith(_OURS_SHORT) else word.partition("=")[0]
        if name in (*_OURS, *_OURS_SHORT):
            raise UsageError(f"--slurm sets {name}, which the run sets itself; leave it out.")
    return found


def _plain(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in text)


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - Slurm's own commands
            list(command), capture_output=True, text=True, check=False, timeout=_SECONDS, env=_clean()
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FailureError(f"{command[0]} does not answer ({error}).") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise FailureError(f"{command[0]} refuses: {said[:300].rstrip('.')}.")
    return done.stdout


def _clean() -> dict[str, str]:
    """Return the environment without what a job of Slurm would hand down to one that it submits."""
    kept = ("SLURM_CONF",)
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "SBATCH_")) or name in kept
    }
