"""The stacked trainer against an independent plain model, and against itself alone."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from tests.unit.train.conftest import SHAPE, cell
from tests.unit.train.plain_decoder import PlainDecoder, loss_of, train_plain
from torch import Tensor

from budgetscope.calibrate.corpus.sampling import Tokens, training_starts, validation_starts
from budgetscope.calibrate.plan.cells import Cell
from budgetscope.calibrate.run.train_settings import Mode
from budgetscope.calibrate.train.engine import Engine, _Functions
from budgetscope.calibrate.train.layout import Layout
from budgetscope.core.counting.ledger import Convention

# Different learning rates, batches, beta2s and seeds, one warmup within the first step and one without any.
MEMBERS = (
    cell(3e-3, 2, 0.95, 0),
    cell(1e-2, 4, 0.99, 1),
    cell(5e-3, 8, 0.999, 0),
    cell(2e-3, 2, 0.9, 2, warmup_tokens=0),
)
STEPS = 48  # micro-steps of 2 sequences


def engine(cells: Sequence[Cell], corpus: Tokens, micro_sequences: int = 2) -> Engine:
    return Engine(cells, corpus, "cpu", micro_sequences=micro_sequences, eval_sequences=24, mode=Mode.EAGER)


def windows(tokens: np.ndarray, starts: np.ndarray) -> Tensor:
    return torch.from_numpy(tokens[starts[:, None] + np.arange(SHAPE.seq_len + 1)].astype(np.int64))


def matrices(row: Tensor) -> dict[str, Tensor]:
    """Return one member's weights by the plain model's names, outputs before inputs as nn.Linear has them."""
    layout = Layout(SHAPE)
    named = {"embedding.weight": layout.view(row[None], layout.embedding)[0]}
    named["head.weight"] = layout.view(row[None], layout.head)[0].T
    named["norm.weight"] = layout.view(row[None], layout.last_gain)[0]
    for i, (parts, gains) in enumerate(zip(layout.blocks, layout.gains, strict=True)):
        qkv, out, up, down = (layout.view(row[None], part)[0].T for part in parts)
        names = ("q", "k", "v"), ("gate", "value")
        for name, weight in zip(names[0], qkv.chunk(3), strict=True):
            named[f"blocks.{i}.{name}.weight"] = weight
        for name, weight in zip(names[1], up.chunk(2), strict=True):
            named[f"blocks.{i}.{name}.weight"] = weight
        named |= {f"blocks.{i}.out.weight": out, f"blocks.{i}.down.weight": down}
        norms = ("attention_norm", "q_norm", "k_norm", "feed_forward_norm")
        for name, gain in zip(norms, layout.view(row[None], gains)[0], strict=True):
            named[f"blocks.{i}.{name}.weight"] = gain
    return named


def plain(row: Tensor) -> PlainDecoder:
    model = PlainDecoder(SHAPE)
    model.load_state_dict({name: weight.clone() for name, weight in matrices(row).items()})
    return model


def trained_plain(member: Cell, corpus: Tokens) -> PlainDecoder:
    model = plain(Layout(SHAPE).initial_weights(member.seed))
    starts = training_starts(len(corpus.train), 2 * STEPS, SHAPE, member.seed)
    train_plain(model, member, windows(corpus.train, starts))
    return model


def test_members_of_a_stack_equal_plain_models_trained_alone(corpus: Tokens) -> None:
    stack = engine(MEMBERS, corpus)
    stack.train(STEPS)
    for row, member in zip(stack.weights, MEMBERS, strict=True):
        model = trained_plain(member, corpus)
        for name, weight in matrices(row).items():
            torch.testing.assert_close(weight, model.get_parameter(name).data, rtol=2e-3, atol=2e-5)


def test_evaluation_equals_the_plain_models_loss(corpus: Tokens) -> None:
    stack = engine(MEMBERS, corpus)
    stack.train(8)
    held_out = windows(corpus.validation, validation_starts(len(corpus.validation), 24, SHAPE.seq_len))
    expected = [loss_of(plain(row), held_out)[0].item() for row in stack.weights]
    assert stack.evaluate() == pytest.approx(expected, rel=1e-5)


def test_gradients_equal_autograds_on_the_plain_model(corpus: Tokens) -> None:
    # A first micro-step only adds gradients up for a member whose batch is two of them.
    stack = engine([cell(batch_sequences=4)], corpus)
    stack.train(1)
    model = plain(Layout(SHAPE).initial_weights(0))
    cross_entropy, z_loss = loss_of(model, windows(corpus.train, training_starts(len(corpus.train), 2, SHAPE, 0)))
    (cross_entropy + 1e-4 * z_loss).backward()
    for name, gradient in matrices(stack.grads[0]).items():
        torch.testing.assert_close(gradient, model.get_parameter(name).grad, rtol=1e-3, atol=1e-6)
    assert stack.loss_sum.item() == pytest.approx(cross_entropy.item(), rel=1e-5)


@pytest.mark.parametrize(("device", "kind"), [("cpu", torch.float32), ("cuda", torch.bfloat16)])
def test_eager_gradients_have_the_type_of_the_products(device: str, kind: torch.dtype) -> None:
    functions = _Functions.of(Mode.EAGER, torch.device(device))
    hidden, head = torch.randn(2, 5, 16, dtype=kind), torch.randn(2, 16, 32, dtype=kind)
    targets = torch.randint(0, 32, (2, 5))
    logits, log_total, _ = functions.next_token_loss(hidden, head, targets)
    assert functions.logits_gradient(logits, log_total, targets).dtype == kind


@pytest.mark.parametrize("micro_sequences", [1, 2])
def test_a_member_does_not_depend_on_its_stack_or_micro_step(corpus: Tokens, micro_sequences: int) -> None:
    stack = engine(MEMBERS, corpus)
    stack.train(STEPS)
    for row, member in zip(stack.weights, MEMBERS, strict=True):
        alone = engine([member], corpus, micro_sequences)
        alone.train(STEPS * 2 // micro_sequences)
        torch.testing.assert_close(alone.weights[0], row, rtol=2e-3, atol=2e-5)


def test_a_member_steps_only_when_its_batch_is_complete(corpus: Tokens) -> None:
    stack = engine([cell(batch_sequences=2), cell(batch_sequences=6)], corpus)
    before = stack.weights.clone()
    changed = []
    for _ in range(6):
        stack.train(1)
        changed.append([not torch.equal(a, b) for a, b in zip(before, stack.weights, strict=True)])
        before.copy_(stack.weights)
    assert changed == [[True, False], [True, False], [True, True]] * 2


def test_a_future_token_does_not_change_earlier_logits(corpus: Tokens) -> None:
    stack = engine(MEMBERS[:2], corpus)
    tokens = torch.randint(0, 32, (2, SHAPE.seq_len), generator=torch.Generator().manual_seed(0))
    changed = tokens.clone()
    changed[:, 9] = (changed[:, 9] + 1) % 32
    with torch.no_grad():
        first, second = (stack.hidden(stack.embedded(each)[1]) for each in (tokens, changed))
    assert torch.equal(first[:, :9], second[:, :9])
    assert not torch.allclose(first[:, 9:], second[:, 9:])


def test_the_modules_weights_are_the_ledgers(corpus: Tokens) -> None:
    norms = (4 * SHAPE.depth + 1) * SHAPE.width
    counted = SHAPE.count(Convention.STANDARD).n_params + SHAPE.n_params_embedding + norms
    assert engine(MEMBERS, corpus).weights.shape == (4, counted)
    assert sum(weight.numel() for weight in PlainDecoder(SHAPE).parameters()) == counted


def test_initial_weights_are_open_lms() -> None:
    layout = Layout(SHAPE)
    row = layout.initial_weights(3)[None]
    for layer, (qkv, out, up, down) in enumerate(layout.blocks):
        scale = (2 * (layer + 1)) ** -0.5
        for part, std in ((qkv, 0.25), (out, 0.25 * scale), (up, 0.25), (down, 24**-0.5 * scale)):
            weights = layout.view(row, part)
            # A normal truncated at three standard deviations has 0.9866 of its spread.
            assert weights.std().item() == pytest.approx(0.9866 * std, rel=0.15)
            assert weights.abs().max() <= 3 * std * (1 + 1e-6)
    assert torch.equal(layout.view(row, layout.last_gain), torch.ones(1, 16))
    assert torch.equal(layout.initial_weights(3), row[0])
    assert not torch.equal(layout.initial_weights(4), row[0])
