import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from budgetscope.api import Advisor, PlanRequest
from budgetscope.core.errors import UsageError
from budgetscope.tui.fields import FIELDS, field_at_fault, read, written


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("budget", "1e21", "1e21"),
        ("device", " A100 ", "A100"),
        ("gpus", "64", 64.0),
        ("mfu", "40%", 0.4),
        ("mfu", "0.4", 0.4),
        ("price", "$2.50", 2.5),
        ("price", "2.5", 2.5),
        ("seq_len", "4096", 4096),
        ("vocab", "128K", 128000),
        ("convention", "kaplan", "kaplan"),
        ("law", "hoffmann2022/approach-1", "hoffmann2022/approach-1"),
        ("mfu", "", None),
        ("law", "  ", None),
    ],
)
def test_what_is_typed_becomes_the_request(name: str, text: str, value: object) -> None:
    request = read(PlanRequest("1e20", mfu=0.1, law="x/y"), name, text)
    assert getattr(request, name) == value
    assert type(getattr(request, name)) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gpus", "many"),
        ("gpus", "-3"),
        ("mfu", "%"),
        ("price", "$"),
        ("seq_len", "2.5"),
        ("vocab", "nan"),
        ("gpus", "1e400"),
    ],
)
def test_what_is_no_number_is_refused_and_named(name: str, text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        read(PlanRequest("1e20"), name, text)
    assert refusal.value.args[0]


@given(gpus=st.floats(1e-9, 1e9), mfu=st.floats(1e-9, 1.0), price=st.floats(1e-9, 1e9))
@example(gpus=64.0, mfu=1 / 3, price=2.12345678901234)
def test_written_fields_read_back_as_the_same_request(gpus: float, mfu: float, price: float) -> None:
    request = PlanRequest("1e21", "a/b", None, "A100", gpus, mfu, price, 2048, 50432, "total")
    back = PlanRequest("")
    for name, text in written(request).items():
        back = read(back, name, text)
    assert back == request


def test_every_option_of_a_request_has_a_field() -> None:
    assert {field.name for field in FIELDS} == set(PlanRequest.__dataclass_fields__) - {"hyperparameters"}


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (PlanRequest("nonsense"), "budget"),
        (PlanRequest("1e21", device="potato"), "device"),
        (PlanRequest("64 H100 for 14 days", device="A100"), "device"),
        (PlanRequest("1e21", mfu=40.0), "mfu"),
        (PlanRequest("1e21", vocab=1), "vocab"),
        (PlanRequest("1e21", law="no/such"), "law"),
        (PlanRequest("1e21", convention="mine"), "convention"),
        (PlanRequest("nonsense", mfu=0.4), "budget"),
    ],
)
def test_the_fault_is_of_the_field_whose_removal_heals(advisor: Advisor, request_: PlanRequest, field: str) -> None:
    assert field_at_fault(advisor, request_) == field
