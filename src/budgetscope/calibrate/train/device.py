"""Choice of the device that trains; torch loads only inside the functions that need it."""

import importlib
import platform
from collections.abc import MutableMapping
from types import ModuleType

from budgetscope.calibrate.plan.device import DEVICES, DeviceFacts
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.extras import install_command, pip_command


def share_processors(environment: MutableMapping[str, str]) -> None:
    """Let waiting threads sleep rather than spin; call it before torch loads.

    Two trainings on one processor otherwise spin in turn and slow each other down fiftyfold.

    Args:
        environment: variables to change; a value that the user set stays.
    """
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def choose_gpu(environment: MutableMapping[str, str], gpu: int | None) -> None:
    """Restrict this process to one GPU, numbered as in nvidia-smi; call it before torch loads.

    Args:
        environment: variables to change.
        gpu: index among the GPUs that the environment shows; None keeps them all.

    Raises:
        UsageError: the environment shows fewer GPUs.
    """
    environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    if gpu is None:
        return
    shown = environment.get("CUDA_VISIBLE_DEVICES")
    names = [name.strip() for name in shown.split(",")] if shown else None
    if names is None:
        environment["CUDA_VISIBLE_DEVICES"] = str(gpu)
    elif gpu < len(names):
        environment["CUDA_VISIBLE_DEVICES"] = names[gpu]
    else:
        raise UsageError(f"there is no GPU {gpu}: CUDA_VISIBLE_DEVICES shows {len(names)}; count from 0.")


def import_torch() -> ModuleType:
    """Return the module `torch`.

    Raises:
        FailureError: torch is not installed, or does not load.
    """
    try:
        return importlib.import_module("torch")
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise _broken(error) from error
        raise FailureError(f"training needs PyTorch, which is not installed: {install_command('calibrate')}") from None
    except (ImportError, OSError) as error:
        raise _broken(error) from error


def _broken(error: Exception) -> FailureError:
    again = pip_command("--force-reinstall", "torch")
    return FailureError(f"PyTorch does not load ({error}); install it again: {again}")


def available_device(requested: str | None = None, gpu: int | None = None) -> str:
    """Return the name of the device to train on: `cuda:INDEX`, `mps` or `cpu`.

    Args:
        requested: `cuda`, `mps` or `cpu`; None takes the first of them that exists, or CUDA if `gpu` is given.
        gpu: index of the CUDA device; None takes the first.

    Raises:
        UsageError: the name is unknown, or there is no GPU of this index.
        FailureError: torch is missing, or this machine has no such device.
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
        raise FailureError(f"there is no GPU to train on: {why}; choose --device cpu, or install a driver.")
    if not 0 <= gpu < len(names):
        listed = ", ".join(f"{i} ({name})" for i, name in enumerate(names))
        raise UsageError(f"there is no GPU {gpu}; choose one of {listed}.")
    return gpu


def device_facts(name: str) -> DeviceFacts:
    """Return what torch reports of the device `cuda:INDEX`, `mps` or `cpu`."""
    torch = import_torch()
    kind, _, index = name.partition(":")
    if kind != "cuda":
        return DeviceFacts(kind, None, platform.processor() or platform.machine(), None, None, torch.__version__)
    free, total = torch.cuda.mem_get_info(int(index))
    name, count = torch.cuda.get_device_name(int(index)), torch.cuda.device_count()
    return DeviceFacts(kind, int(index), name, free, total, torch.__version__, count)


def is_out_of_memory(error: BaseException | None) -> bool:
    """Return whether an error, or one that it followed from, says that memory ran out."""
    torch = import_torch()
    while error is not None:
        if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError) or "out of memory" in str(error).lower():
            return True
        # The CPU's allocator and cuBLAS use other words.
        if "can't allocate memory" in str(error) or "ALLOC_FAILED" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
