"""Read a recipe with Transformers' own parser, count the model on the meta device, train three steps on the CPU."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM, HfArgumentParser, TrainingArguments, get_scheduler

folder, training = Path(sys.argv[1]), "train" in sys.argv[2:]
values = json.loads((folder / "training_args.json").read_text())
(arguments,) = HfArgumentParser(TrainingArguments).parse_dict({**values, "use_cpu": True})
config = AutoConfig.from_pretrained(folder)
with torch.device("meta"):
    model = AutoModelForCausalLM.from_config(config)
optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=arguments.learning_rate)
schedule = get_scheduler(
    arguments.lr_scheduler_type,
    optimizer,
    num_warmup_steps=arguments.get_warmup_steps(arguments.max_steps),
    num_training_steps=arguments.max_steps,
    scheduler_specific_kwargs=dict(arguments.lr_scheduler_kwargs),
)
rate = schedule.lr_lambdas[0]
found = {
    "n_params": sum(p.numel() for p in model.parameters()),
    "dtypes": sorted({str(p.dtype) for p in model.parameters()}),
    "rates": {step: rate(step) * arguments.learning_rate for step in json.loads(sys.stdin.read())},
    "arguments": {key: value for key, value in arguments.to_dict().items() if key in values},
}
if training:
    np.random.default_rng(1).integers(0, config.vocab_size, 1 << 16).astype("<u2").tofile(folder / "tokens.bin")
    spec = importlib.util.spec_from_file_location("train", folder / "train.py")
    train = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(train)
    train.SAVE_AFTER = (2,)
    train.HERE = folder
    train.main(
        str(folder / "tokens.bin"), "use_cpu=true", "max_steps=3", "per_device_train_batch_size=2",
        "gradient_accumulation_steps=1", f'output_dir="{folder}/run"', 'lr_scheduler_kwargs={"num_decay_steps": 1}',
        "warmup_steps=1", "logging_steps=1", "fsdp=false", "fsdp_config=null",
    )  # fmt: skip
    state = json.loads((folder / "run/checkpoint-2/trainer_state.json").read_text())
    found["losses"] = [row["loss"] for row in state["log_history"] if "loss" in row]
print("FOUND", json.dumps(found, default=str))
