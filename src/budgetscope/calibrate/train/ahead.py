"""Compile the next stacks in helper processes, while the present one trains.

A helper builds an engine with the tensors of a stack but two of its blocks, and runs it once. torch keeps what it
compiles in a cache on this machine, by a key of graph, sizes, strides, device and version; the trainer's engine asks
with the same key. `graph_counts` tells what it found. Helpers never touch a result: one that fails or dies leaves its
stacks to the trainer. They end with the process that started them, however that ends.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from budgetscope.calibrate.json_records import to_record
from budgetscope.calibrate.plan.memory import memory_estimate
from budgetscope.core.counting.ledger import Shape

RUN_BLOCKS = 2
"""Blocks that a helper runs: the second gets its input from the first, as all later ones do."""
HELPER = (sys.executable, "-m", "budgetscope.calibrate.train.rehearse")
_MOST_HELPERS = 3
# The trainer and each helper keep several processes of torch's compiler busy.
_CORES_A_HELPER = 4
# A helper compiles a stack in 10 to 30 s on an H200's host; after this the trainer compiles it itself.
_PATIENCE_SECONDS = 90.0
# Workspaces of products, and what torch overwrites between two trials of a kernel to empty the card's cache.
_TRIAL_BYTES = 2**30
# Stacks and helpers together may take this share of the memory that is free at the start.
_ROOM = 0.6


@dataclass(frozen=True, slots=True)
class Job:
    """What the compiled functions of a stack depend on, beside device and versions.

    Attributes:
        shape: of the models.
        members: of the stack.
        micro_sequences: sequences per member and micro-step.
    """

    shape: Shape
    members: int
    micro_sequences: int

    def helper_bytes(self, device: str) -> int:
        """Return an estimate of the bytes that a helper takes on the device for this job, without its context."""
        few = replace(self.shape, depth=min(RUN_BLOCKS, self.shape.depth))
        left_out = self.shape.n_params_blocks - few.n_params_blocks
        whole = self.shape.n_params_blocks + self.shape.n_params_head + self.shape.n_params_embedding
        # torch copies what the optimizer changes, to try kernels on it.
        weights = 20 * self.members * (left_out + whole)
        return _TRIAL_BYTES + weights + memory_estimate(few, self.members, self.micro_sequences, device, compiled=True)

    def stack_bytes(self, device: str) -> int:
        """Return an estimate of the bytes that the stack itself takes, without its tokens."""
        return memory_estimate(self.shape, self.members, self.micro_sequences, device, compiled=True)


def graph_counts() -> tuple[int, int]:
    """Return how many graphs this process has found in torch's cache, and how many it has compiled."""
    dynamo = sys.modules.get("torch._dynamo.utils")
    if dynamo is None:
        return 0, 0
    counts = dynamo.counters["inductor"]
    return counts["fxgraph_cache_hit"], counts["fxgraph_cache_miss"] + counts["fxgraph_cache_bypass"]


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Ahead:
    """The helpers of one trainer. They start with the first job.

    Attributes:
        n_helpers: most helpers; 0 compiles nothing ahead.
        trouble: what went wrong first, a clause; empty if nothing did.
    """

    def __init__(self, device: str, free_bytes: int | None, n_helpers: int | None = None) -> None:
        """Remember the device.

        Args:
            device: a name as `available_device` gives it.
            free_bytes: free memory of the device before the first stack; None if it has none of its own.
            n_helpers: most helpers; None for as many as the cores of this machine carry.
        """
        self.n_helpers = min(_MOST_HELPERS, cores() // _CORES_A_HELPER) if n_helpers is None else n_helpers
        self.trouble = ""
        self._device, self._free = device, free_bytes
        self._queue: deque[Job] = deque()
        self._tried: set[Job] = set()
        self._running: set[Job] = set()
        self._ready: set[Job] = set()
        self._helpers: list[subprocess.Popen[str]] = []
        self._threads: list[threading.Thread] = []
        self._over = False
        self._changed = threading.Condition()

    def prepare(self, jobs: Sequence[Job], own: Job | None = None) -> None:
        """Compile the jobs that nobody has begun, in this order, in place of those that still wait.

        Args:
            jobs: to compile.
            own: what the trainer itself compiles next, unless a helper has begun it. A helper, which starts with torch,
                would take twice as long for the first.
        """
        with self._changed:
            if own is not None:
                self._tried.add(own)
            self._queue = deque(job for job in dict.fromkeys(jobs) if job not in self._tried and self._has_room(job))
            missing = 0 if self._over else min(self.n_helpers, len(self._queue)) - len(self._threads)
            for _ in range(missing):
                thread = threading.Thread(target=self._serve, daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify_all()

    def has(self, job: Job) -> bool:
        """Whether a helper has compiled this job."""
        with self._changed:
            return job in self._ready

    def settle(self, job: Job) -> None:
        """Wait for the helper that compiles this job; if none has begun, leave it to the caller."""
        with self._changed:
            self._tried.add(job)
            if job in self._queue:
                self._queue.remove(job)
            self._changed.wait_for(lambda: job not in self._running, _PATIENCE_SECONDS)

    def close(self) -> None:
        """End the helpers."""
        with self._changed:
            self._over = True
            self._queue.clear()
            self._changed.notify_all()
        for process in self._helpers:
            process.kill()
        for thread in self._threads:
            thread.join()

    def _has_room(self, job: Job) -> bool:
        if self._free is None:
            return True
        helpers = self.n_helpers * job.helper_bytes(self._device)
        return helpers + job.stack_bytes(self._device) <= _ROOM * self._free

    def _serve(self) -> None:
        """Hand jobs to one helper until it dies or there is an end."""
        try:
            process = self._start()
        except OSError as error:
            self._failed(error.strerror or str(error))
            return
        with process, contextlib.suppress(BrokenPipeError):
            while (job := self._next()) is not None:
                answer = _asked(job, process)
                with self._changed:
                    self._running.discard(job)
                    if answer is not None and "error" not in answer:
                        self._ready.add(job)
                    self._changed.notify_all()
                if answer is None:
                    self._failed(f"it ended with status {process.wait()}")
                    return
                if "error" in answer:
                    self._failed(str(answer["error"]))
            process.kill()

    def _start(self) -> subprocess.Popen[str]:
        threads = max(1, cores() // (self.n_helpers + 1))
        environment = {"TORCHINDUCTOR_COMPILE_THREADS": str(threads), **os.environ}
        process = subprocess.Popen(  # noqa: S603 - our own module
            [*HELPER, self._device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        with self._changed:
            self._helpers.append(process)
            if self._over:
                process.kill()
        return process

    def _next(self) -> Job | None:
        """Wait for a job, and take it; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._over)
            if self._over:
                return None
            job = self._queue.popleft()
            self._tried.add(job)
            self._running.add(job)
            return job

    def _failed(self, why: str) -> None:
        with self._changed:
            if not self._over:
                self.trouble = self.trouble or why


def _asked(job: Job, helper: subprocess.Popen[str]) -> dict[str, object] | None:
    """Return what a helper answers to a job; None if it is dead."""
    assert helper.stdin is not None  # noqa: S101 - both are pipes
    assert helper.stdout is not None  # noqa: S101
    try:
        helper.stdin.write(json.dumps(to_record(job)) + "\n")
        helper.stdin.flush()
        line = helper.stdout.readline()
        answer: dict[str, object] | None = json.loads(line) if line else None
    except (OSError, ValueError):
        return None
    return answer
