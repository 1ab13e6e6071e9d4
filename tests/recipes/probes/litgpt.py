"""Read a recipe with LitGPT's own parser, and count the model on the meta device."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import torch
from jsonargparse import ArgumentParser, set_docstring_parse_options
from litgpt.model import GPT
from litgpt.pretrain import get_lr, setup

set_docstring_parse_options(attribute_docstrings=True)
parser = ArgumentParser()
parser.add_function_arguments(setup)
parser.add_argument("--config", action="config")
parsed = parser.parse_args(["--config", str(Path(sys.argv[1]) / "pretrain.yaml")])
made = parser.instantiate_classes(parsed)
with torch.device("meta"):
    model = GPT(made.model_config)
train, optimizer = made.train, parsed.optimizer["init_args"]
accumulation = train.gradient_accumulation_iters(made.devices, made.num_nodes)
world = made.devices * made.num_nodes
iterations = train.max_tokens // world // (train.micro_batch_size * train.max_seq_length)
warmup = train.warmup_iters(made.devices, made.num_nodes, iterations, None)
rates = {
    step: get_lr(optimizer["lr"], step * accumulation, warmup, iterations, train.min_lr)
    for step in json.loads(sys.stdin.read())
}
print(
    "FOUND",
    json.dumps(
        {
            "n_params": sum(p.numel() for p in model.parameters()),
            "train": asdict(train),
            "optimizer": optimizer,
            "steps": iterations / accumulation,
            "accumulation": accumulation,
            "rates": rates,
            "precision": parsed.precision,
            "vocab": model.lm_head.weight.shape[0],
            "rotary": made.model_config.rope_n_elem,
        }
    ),
)
