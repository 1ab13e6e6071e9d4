"""Parse a recipe's flags with Megatron-LM's own parser, and count its model on the meta device."""

import argparse
import json
import subprocess
import sys
import typing
from pathlib import Path

import typing_extensions

if not hasattr(typing, "override"):
    typing.override = typing_extensions.override  # Python 3.11; the wheel is for 3.12
sys.path.insert(0, sys.argv[2])
import torch

# Megatron makes its weights on the present CUDA device.
torch.cuda.current_device = lambda: "meta"
from megatron.core.optimizer_param_scheduler import OptimizerParamScheduler  # noqa: E402
from megatron.training.arguments import add_megatron_arguments  # noqa: E402
from megatron.training.vocab_utils import calculate_padded_vocab_size  # noqa: E402

# The script itself, with a torchrun that prints what it is given.
script = (Path(sys.argv[1]) / "train.sh").read_text().replace("torchrun ", "printf '%s\\n' ")
told = subprocess.run(
    ["bash", "-c", script], capture_output=True, text=True, check=True,
    env={"MEGATRON": "M", "TOKENIZER": "T", "DATA": "D", "PATH": "/usr/bin:/bin"},
).stdout.splitlines()  # fmt: skip
words = told[told.index("M/pretrain_gpt.py") + 1 :]
parser = argparse.ArgumentParser(allow_abbrev=False)
add_megatron_arguments(parser)
arguments = parser.parse_args(words)
padded = calculate_padded_vocab_size(
    arguments.vocab_size, arguments.make_vocab_size_divisible_by, arguments.tensor_model_parallel_size, False
)
from megatron.core.models.gpt import GPTModel  # noqa: E402
from megatron.core.models.gpt.gpt_layer_specs import get_gpt_layer_local_spec  # noqa: E402
from megatron.core.transformer.transformer_config import TransformerConfig  # noqa: E402

config = TransformerConfig(
    num_layers=arguments.num_layers,
    hidden_size=arguments.hidden_size,
    ffn_hidden_size=arguments.ffn_hidden_size,
    num_attention_heads=arguments.num_attention_heads,
    num_query_groups=arguments.num_query_groups if arguments.group_query_attention else arguments.num_attention_heads,
    kv_channels=arguments.kv_channels,
    normalization=arguments.normalization,
    gated_linear_unit=arguments.swiglu,
    activation_func=torch.nn.functional.silu,
    add_bias_linear=arguments.add_bias_linear,
    init_model_with_meta_device=True,
    perform_initialization=False,
    use_cpu_initialization=False,
)
from megatron.core import parallel_state  # noqa: E402
from megatron.core.tensor_parallel.random import model_parallel_cuda_manual_seed  # noqa: E402, F401

torch.distributed.init_process_group("gloo", rank=0, world_size=1, store=torch.distributed.HashStore())
parallel_state.initialize_model_parallel()
with torch.device("meta"):
    model = GPTModel(
        config,
        get_gpt_layer_local_spec(normalization=arguments.normalization),
        vocab_size=padded,
        max_sequence_length=arguments.max_position_embeddings,
        position_embedding_type=arguments.position_embedding_type,
        share_embeddings_and_output_weights=not arguments.untie_embeddings_and_output_weights,
    )
optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=arguments.lr)
scheduler = OptimizerParamScheduler(
    optimizer, init_lr=0.0, max_lr=arguments.lr, min_lr=arguments.min_lr, lr_warmup_steps=arguments.lr_warmup_iters,
    lr_decay_steps=arguments.lr_decay_iters, lr_decay_style=arguments.lr_decay_style, start_wd=0.0, end_wd=0.0,
    wd_incr_steps=arguments.train_iters, wd_incr_style="constant", wsd_decay_steps=arguments.lr_wsd_decay_iters,
    lr_wsd_decay_style=arguments.lr_wsd_decay_style,
)  # fmt: skip
rates = {}
for step in json.loads(sys.stdin.read()):
    scheduler.num_steps = step
    rates[step] = scheduler.get_lr(optimizer.param_groups[0])
keys = (
    "micro_batch_size", "global_batch_size", "train_iters", "adam_beta1", "adam_beta2", "adam_eps", "weight_decay",
    "clip_grad", "bf16", "seq_length", "save_interval", "tensor_model_parallel_size", "pipeline_model_parallel_size",
    "use_distributed_optimizer", "sequence_parallel", "decoupled_lr",
)  # fmt: skip
print(
    "FOUND",
    json.dumps(
        {
            "n_params": sum(p.numel() for p in model.parameters()),
            "padded": padded,
            "rates": rates,
            "arguments": {key: getattr(arguments, key) for key in keys},
        }
    ),
)
