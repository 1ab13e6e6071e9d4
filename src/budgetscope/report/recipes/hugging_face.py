"""The recipe for the Hugging Face Trainer: config.json of the model, the training arguments, the script that trains."""

from budgetscope.core.answers.training_setup import TrainingSetup
from budgetscope.core.hardware.memory import Recompute, Regime
from budgetscope.core.language import N_, _
from budgetscope.core.trainers import HUGGING_FACE, Quantity
from budgetscope.report.recipes.target import (
    ANY_16_BIT,
    SHAPE,
    Target,
    Written,
    as_json,
    data_parallel,
    head,
    nested,
    only,
    precision,
    precision_lost,
    torchrun,
)

_LOST = (
    N_("which weights decay: the Trainer spares norms"),
    N_("ZeRO, tensor and pipeline parallelism: the layout is DDP or FSDP2"),
)

_TRAINING = (
    Quantity.MICRO_BATCH, Quantity.ACCUMULATION, Quantity.LENGTH, Quantity.LEARNING_RATE, Quantity.WARMUP,
    Quantity.DECAY, Quantity.BETA1, Quantity.BETA2, Quantity.EPS, Quantity.WEIGHT_DECAY, Quantity.CLIP,
)  # fmt: skip


def write(setup: TrainingSetup) -> Written:
    """Return the recipe."""
    lost = precision_lost(setup, ANY_16_BIT)
    return Written(
        files=(
            ("config.json", as_json(_config(setup))),
            ("training_args.json", as_json(_arguments(setup))),
            ("train.py", _script(setup, (*lost, *_LOST))),
        ),
        run=(torchrun(setup, "train.py TOKENS.bin"),),
        lost=lost,
        notes=(
            _(
                "TOKENS.bin is a flat file of token ids, little-endian: uint16, or uint32 for a vocabulary above "
                "65,536."
            ),
            _("KEY=VALUE after the file replaces a training argument: use_cpu=true max_steps=3."),
            _(
                "config.json takes any key without a word: train.py compares the parameters of the model with the "
                "plan's."
            ),
        ),
    )


def _config(setup: TrainingSetup) -> dict[str, object]:
    return {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        # With "bfloat16" the weights themselves would be bf16, without fp32 masters.
        "dtype": "float32",
        **only(setup, HUGGING_FACE.names, SHAPE),
        "max_position_embeddings": setup.shape.seq_len,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "use_cache": False,
    }


def _arguments(setup: TrainingSetup) -> dict[str, object]:
    recomputes = setup.layout.recompute == Recompute.FULL
    sharded = setup.layout.regime == Regime.FSDP2
    arguments: dict[str, object] = {
        "output_dir": "run",
        **nested(only(setup, HUGGING_FACE.names, _TRAINING)),
        "optim": "adamw_torch_fused",
        "lr_scheduler_type": "warmup_stable_decay",
        # In autocast: the weights and the optimizer stay in fp32.
        "bf16": precision(setup, ANY_16_BIT) == "bf16",
        "fp16": precision(setup, ANY_16_BIT) == "fp16",
        "activation_checkpointing": recomputes and not sharded,
        # train.py saves at the plan's steps.
        "save_strategy": "no",
        "logging_steps": 10,
        "report_to": "none",
        "dataloader_drop_last": True,
        "seed": 1,
    }
    decay = arguments["lr_scheduler_kwargs"]
    arguments["lr_scheduler_kwargs"] = {**decay, "decay_type": "linear", "min_lr_ratio": 0.0}  # type: ignore[dict-item]
    if sharded:
        arguments["fsdp"] = True
        arguments["fsdp_config"] = {"version": 2, "activation_checkpointing": recomputes}
    return arguments


def _script(setup: TrainingSetup, lost: tuple[str, ...]) -> str:
    return _SCRIPT.format(
        head="\n".join(head(setup, HUGGING_FACE, lost)),
        seq_len=setup.shape.seq_len,
        steps=tuple(each.step for each in setup.checkpoints),
        n_params=setup.n_params + setup.n_params_norms,
        dtype="uint16" if setup.shape.vocab_size <= 1 << 16 else "uint32",
    )


_SCRIPT = '''"""Train the model of config.json with the arguments of training_args.json.

{head}
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM, HfArgumentParser, Trainer, TrainerCallback, TrainingArguments

SEQ_LEN = {seq_len}
SAVE_AFTER = {steps}
N_PARAMS = {n_params}
DTYPE = "{dtype}"
HERE = Path(__file__).resolve().parent


class Sequences(torch.utils.data.Dataset):
    """The whole sequences of a file of token ids."""

    def __init__(self, path):
        self.tokens = np.memmap(path, dtype=np.dtype(DTYPE).newbyteorder("<"), mode="r")

    def __len__(self):
        return len(self.tokens) // SEQ_LEN

    def __getitem__(self, index):
        ids = torch.from_numpy(self.tokens[index * SEQ_LEN : (index + 1) * SEQ_LEN].astype(np.int64))
        return {{"input_ids": ids, "labels": ids}}


class SaveAtSteps(TrainerCallback):
    """Save after the steps of the plan, whose checkpoints are points of IsoFLOP curves later."""

    def on_step_end(self, args, state, control, **kwargs):
        control.should_save = control.should_save or state.global_step in SAVE_AFTER
        return control


def main(tokens, *overrides):
    values = json.loads((HERE / "training_args.json").read_text(encoding="utf-8"))
    for override in overrides:
        key, _, value = override.partition("=")
        values[key] = json.loads(value)
    (arguments,) = HfArgumentParser(TrainingArguments).parse_dict(values)
    config = AutoConfig.from_pretrained(HERE)
    torch.manual_seed(arguments.seed)
    model = AutoModelForCausalLM.from_config(config)
    n_params = sum(p.numel() for p in model.parameters())
    if n_params != N_PARAMS:
        sys.exit(f"the model has {{n_params:,}} parameters and the plan {{N_PARAMS:,}}; config.json was changed.")
    data = Sequences(tokens)
    trainer = Trainer(model, arguments, train_dataset=data, callbacks=[SaveAtSteps()])
    wanted = arguments.max_steps * arguments.train_batch_size * arguments.gradient_accumulation_steps
    wanted *= arguments.world_size
    if wanted > len(data):
        print(f"the run takes {{wanted:,}} sequences and the file has {{len(data):,}}: it repeats", file=sys.stderr)
    trainer.train()
    trainer.save_model()


if __name__ == "__main__":
    main(*sys.argv[1:])
'''

TARGET = Target(
    trainer=HUGGING_FACE,
    install="pip install 'transformers==5.24.0' 'accelerate>=1.10.1'",
    writes="config.json, training_args.json, train.py",
    lost=_LOST,
    allowed=data_parallel(Regime.DDP, Regime.FSDP2),
    write=write,
)
