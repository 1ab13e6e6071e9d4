"""Read a recipe with Levanter's own parser, count the model by its shapes, and step through its schedule."""

import dataclasses
import json
import sys
from pathlib import Path

import draccus
import equinox as eqx
import haliax as hax
import jax
from levanter.main.train_lm import TrainLmConfig

config = draccus.parse(TrainLmConfig, str(Path(sys.argv[1]) / "train_lm.yaml"), args=[])
vocabulary = hax.Axis("vocab", config.data.vocab_size)
model = eqx.filter_eval_shape(config.model.build, vocabulary, key=jax.random.PRNGKey(0))
leaves = [leaf for leaf in jax.tree_util.tree_leaves(model) if hasattr(leaf, "shape")]
steps = config.trainer.num_train_steps
schedule = config.optimizer.lr_scheduler(steps)
wanted = json.loads(sys.stdin.read())
mask = config.optimizer.build_weight_decay_mask()
decayed = jax.tree_util.tree_leaves(mask(model)) if mask is not None else []
print(
    "FOUND",
    json.dumps(
        {
            "n_params": sum(leaf.size for leaf in leaves),
            "rates": {step: float(schedule(step)) for step in wanted},
            "optimizer": {key: value for key, value in dataclasses.asdict(config.optimizer).items()
                          if isinstance(value, (int, float))},
            "batch": [config.trainer.train_batch_size, config.trainer.per_device_parallelism, config.train_seq_len],
            "steps": steps,
            "keep": config.trainer.checkpointer.keep,
            "mp": str(config.trainer.mp),
            "all_decay": all(decayed) and len(decayed) == len(leaves),
        }
    ),
)  # fmt: skip
