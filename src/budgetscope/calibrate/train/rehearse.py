"""The helper that compiles stacks ahead of the trainer: `python -m budgetscope.calibrate.train.rehearse DEVICE`.

It reads jobs from its input and answers each, one JSON object a line. It ends as soon as its input does, in the midst
of a job, too: the other end of the pipe closes when the trainer ends or is killed.
"""

import contextlib
import gc
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from typing import IO

from budgetscope.calibrate.json_records import from_record
from budgetscope.calibrate.train.ahead import RUN_BLOCKS, Job, graph_counts

_NICE = 10
# The estimate of a job's memory may be off by this factor; beyond it the helper fails rather than the trainer.
_MARGIN = 1.5


def main(arguments: list[str], requests: IO[str], answers: IO[str]) -> None:
    """Compile what is asked for, until the input ends; the process then exits at once."""
    device = arguments[0]
    if hasattr(os, "nice"):
        os.nice(_NICE)
    for line in _lines(requests):
        try:
            answer = _compiled(from_record(Job, json.loads(line)), device)
        except Exception as error:  # noqa: BLE001 - the trainer compiles the stack itself, whatever went wrong here
            answer = {"error": f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _lines(requests: IO[str]) -> Iterator[str]:
    """Yield the lines; a thread reads them, and ends the process at the end of the input."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in requests:
            lines.put(line)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield lines.get()


def _compiled(job: Job, device: str) -> dict[str, object]:
    # torch loads here, so that a helper whose trainer has ended leaves at once.
    import numpy as np  # noqa: PLC0415
    import torch  # noqa: PLC0415

    from budgetscope.calibrate.corpus.sampling import Tokens  # noqa: PLC0415
    from budgetscope.calibrate.plan.cells import Cell  # noqa: PLC0415
    from budgetscope.calibrate.run.train_settings import Mode  # noqa: PLC0415
    from budgetscope.calibrate.train.engine import Engine  # noqa: PLC0415
    from budgetscope.calibrate.train.stack import usual_threads  # noqa: PLC0415

    begun, before = time.perf_counter(), graph_counts()
    shape, batch = job.shape, job.micro_sequences * job.shape.seq_len
    text = np.zeros(2 * batch + 2, dtype=np.uint16 if shape.vocab_size <= 2**16 else np.uint32)
    cells = [Cell(shape, 1e-3, job.micro_sequences, 0.95, 0, batch, 0, (batch,)) for _ in range(job.members)]
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
        share = _MARGIN * job.helper_bytes(device) / torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, share), device)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(usual_threads(cells, job.micro_sequences, device, threads))
        Engine(
            cells,
            Tokens(text, text, shape.vocab_size),
            device,
            micro_sequences=job.micro_sequences,
            eval_sequences=1,
            mode=Mode.COMPILE,
            most_blocks=RUN_BLOCKS,
        )
    finally:
        torch.set_num_threads(threads)
        gc.collect()
        if device.startswith("cuda"):
            torch.cuda.empty_cache()
    found, compiled = (now - then for now, then in zip(graph_counts(), before, strict=True))
    return {"found": found, "compiled": compiled, "seconds": time.perf_counter() - begun}


if __name__ == "__main__":
    # Whatever else prints must not be taken for an answer.
    with contextlib.closing(os.fdopen(os.dup(1), "w")) as private:
        os.dup2(2, 1)
        main(sys.argv[1:], sys.stdin, private)
