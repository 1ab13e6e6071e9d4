"""Read a recipe with torchtitan's own parser, build the model on the meta device, and step through its schedule."""

import json
import sys
from pathlib import Path

import torch

folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
from torchtitan.config.manager import ConfigManager  # noqa: E402

config = ConfigManager().parse_args(["--module", "recipe", "--config", "plan"])
with torch.device("meta"):
    model = config.model_spec.model.build()


class Optimizers(list):
    pass


parameter = torch.nn.Parameter(torch.zeros(1))
group = config.optimizer.param_groups[0]
optimizer = torch.optim.AdamW([parameter], **group.optimizer_kwargs)
schedule = config.lr_scheduler.build(optimizers=Optimizers([optimizer]), training_steps=config.training.steps)
rate = schedule.schedulers[0].lr_lambdas[0]
training = config.training
print(
    "FOUND",
    json.dumps(
        {
            "n_params": sum(p.numel() for p in model.parameters()),
            "rates": {step: rate(step) * group.optimizer_kwargs["lr"] for step in json.loads(sys.stdin.read())},
            "optimizer": [group.pattern, group.optimizer_name, group.optimizer_kwargs],
            "training": {key: getattr(training, key) for key in
                         ("seq_len", "global_batch_size", "local_batch_size", "steps", "max_norm", "dtype")},
            "degrees": [config.parallelism.data_parallel_replicate_degree,
                        config.parallelism.data_parallel_shard_degree],
            "checkpoint": [config.checkpoint.enable, config.checkpoint.interval, config.checkpoint.keep_latest_k,
                           config.checkpoint.last_save_model_only],
        }
    ),
)  # fmt: skip
