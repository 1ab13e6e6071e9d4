"""Which device trains: chosen, or refused with a reason. Needs no torch until it is asked."""

import importlib
from types import ModuleType

from budgetscope.core.errors import FailureError, UsageError

REMEDY = "pip install 'budgetscope[calibrate]'"
DEVICES = ("cuda", "mps", "cpu")


def import_torch() -> ModuleType:
    """Return the module torch.

    Raises:
        FailureError: it is not installed, or it does not load.
    """
    try:
        return importlib.import_module("torch")
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise FailureError(f"PyTorch does not load ({error}); install it again: {REMEDY}") from error
        raise FailureError(f"Training needs PyTorch, which is not installed: {REMEDY}") from None
    except (ImportError, OSError) as error:
        raise FailureError(f"PyTorch does not load ({error}); install it again: {REMEDY}") from error


def available_device(requested: str | None = None, gpu: int | None = None) -> str:
    """Return the name of the device to train on: `cuda:INDEX`, `mps` or `cpu`.

    Args:
        requested: `cuda`, `mps` or `cpu`; None takes the first of them that exists, or CUDA when `gpu` is
            given.
        gpu: index of the CUDA device; None takes the first.

    Raises:
        UsageError: the name is unknown, or there is no GPU of that index.
        FailureError: torch is missing, or there is no such device here.
    """
    if requested is not None and requested not in DEVICES:
        raise UsageError(f"{requested!r} is not a device; choose one of {', '.join(DEVICES)}.")
    if gpu is not None and requested in ("cpu", "mps"):
        raise UsageError(f"GPU {gpu} contradicts the device {requested}; give one of the two.")
    torch = import_torch()
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    has_mps = torch.backends.mps.is_available()
    if gpu is not None:
        requested = "cuda"
    elif requested is None:
        requested = "cuda" if names else "mps" if has_mps else "cpu"
    if requested == "cuda":
        return f"cuda:{_gpu_index(gpu or 0, names, torch)}"
    if requested == "mps" and not has_mps:
        raise FailureError("PyTorch sees no Apple GPU here; choose --device cpu.")
    return requested


def _gpu_index(gpu: int, names: list[str], torch: ModuleType) -> int:
    if not names:
        why = "this PyTorch is built without CUDA" if torch.version.cuda is None else "PyTorch sees no CUDA GPU here"
        raise FailureError(f"There is no GPU to train on: {why}; choose --device cpu, or install a driver.")
    if not 0 <= gpu < len(names):
        listed = ", ".join(f"{i} ({name})" for i, name in enumerate(names))
        raise UsageError(f"There is no GPU {gpu}; choose one of {listed}.")
    return gpu
