"""Build a recipe's configuration with OLMo-core, count the model on the meta device, step through its schedule."""

import argparse
import json
import sys
from pathlib import Path

folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
import train  # noqa: E402
from olmo_core.nn.transformer import TransformerConfig  # noqa: E402

config = train.config(argparse.Namespace(save_folder="run", work_dir="run"), ["init_seed=7"])
module = config.train_module
again = TransformerConfig.from_dict(config.model.as_config_dict())
model = again.build(init_device="meta")
steps = config.trainer.max_duration.value
rates = {step: float(module.scheduler.get_lr(module.optim.lr, step, steps)) for step in json.loads(sys.stdin.read())}
print(
    "FOUND",
    json.dumps(
        {
            "n_params": config.model.num_params,
            "built": sum(p.numel() for p in model.parameters()),
            "dtypes": sorted({str(p.dtype) for p in model.parameters()}),
            "rates": rates,
            "seed": config.init_seed,
            "optim": [module.optim.betas, module.optim.eps, module.optim.weight_decay],
            "batch": [config.data_loader.global_batch_size, module.rank_microbatch_size,
                      config.dataset.sequence_length],
            "clip": module.max_grad_norm,
            "steps": [steps, str(config.trainer.max_duration.unit)],
            "checkpoints": [config.trainer.callbacks["checkpointer"].fixed_steps,
                            config.trainer.callbacks["checkpointer"].max_checkpoints],
        }
    ),
)  # fmt: skip
