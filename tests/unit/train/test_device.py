"""The choice of a device, and the refusal of others."""

import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from budgetscope.calibrate.train import device
from budgetscope.calibrate.train.device import available_device
from budgetscope.core.errors import FailureError, UsageError
from budgetscope.core.extras import install_command


def pretend(monkeypatch: pytest.MonkeyPatch, gpus: int, *, mps: bool = False, cuda: str | None = "13.0") -> None:
    """Put a torch in place that sees so many GPUs."""
    torch = SimpleNamespace(
        cuda=SimpleNamespace(device_count=lambda: gpus, get_device_name=lambda i: f"GPU model {i}"),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
        version=SimpleNamespace(cuda=cuda),
    )
    monkeypatch.setattr(device, "import_torch", lambda: torch)


@pytest.mark.parametrize(
    ("gpus", "mps", "requested", "gpu", "found"),
    [
        (2, False, None, None, "cuda:0"),
        (2, False, "cuda", 1, "cuda:1"),
        (2, False, None, 1, "cuda:1"),
        (2, False, "cpu", None, "cpu"),
        (0, True, None, None, "mps"),
        (0, True, "mps", None, "mps"),
        (0, False, None, None, "cpu"),
    ],
)
def test_a_device_is_found(
    monkeypatch: pytest.MonkeyPatch, gpus: int, mps: bool, requested: str | None, gpu: int | None, found: str
) -> None:
    pretend(monkeypatch, gpus, mps=mps)
    assert available_device(requested, gpu) == found


@pytest.mark.parametrize(
    ("gpus", "requested", "gpu", "error", "message"),
    [
        (2, "cuda", 2, UsageError, r"there is no GPU 2; choose one of 0 \(GPU model 0\), 1 \(GPU model 1\)\."),
        (2, None, -1, UsageError, "there is no GPU -1"),
        (0, "cuda", None, FailureError, "PyTorch sees no CUDA GPU here; choose --device cpu"),
        (0, None, 0, FailureError, "there is no GPU to train on"),
        (1, "mps", None, FailureError, "no Apple GPU here; choose --device cpu"),
        (1, "cpu", 0, UsageError, "GPU 0 contradicts the device cpu"),
        (1, "tpu", None, UsageError, "'tpu' is not a device; choose one of cuda, mps, cpu"),
    ],
)
def test_a_device_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    gpus: int,
    requested: str | None,
    gpu: int | None,
    error: type[Exception],
    message: str,
) -> None:
    pretend(monkeypatch, gpus)
    with pytest.raises(error, match=message):
        available_device(requested, gpu)


def test_a_build_without_cuda_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, 0, cuda=None)
    with pytest.raises(FailureError, match="this PyTorch is built without CUDA"):
        available_device("cuda")


def test_a_missing_torch_is_one_sentence_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(FailureError, match=re.escape(install_command("calibrate"))):
        available_device()


def test_choosing_a_device_imports_no_torch() -> None:
    modules = "train.device", "train.device_check", "worker", "run.progress", "prepare"
    imports = "; ".join(f"import budgetscope.calibrate.{name}" for name in modules)
    check = f"import sys; {imports}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
