"""The recipe for OLMo-core: a script with its configuration, for its own command line."""

from budgetscope.core.answers.training_setup import TrainingSetup
from budgetscope.core.hardware.memory import Recompute, Regime
from budgetscope.core.language import N_, _
from budgetscope.core.trainers import OLMO_CORE
from budgetscope.report.recipes.target import (
    BF16,
    Target,
    Written,
    data_parallel,
    precision_lost,
    template_values,
    torchrun,
)

_LOST = (
    N_("tensor, pipeline and context parallelism: OLMo-core has them, but their memory is known for Megatron alone"),
)


def write(setup: TrainingSetup) -> Written:
    """Return the recipe."""
    lost = precision_lost(setup, BF16)
    return Written(
        files=(("train.py", _script(setup, (*lost, *_LOST))),),
        run=(torchrun(setup, "train.py --save-folder run"),),
        lost=lost,
        notes=(
            _("Put the paths of your tokens and your tokenizer's special tokens into train.py."),
            _("python train.py --save-folder run --dry-run prints the configuration; a.b=VALUE replaces a part of it."),
            _("OLMo-core counts batches in tokens; it keeps three checkpoints unless told, and this recipe all."),
        ),
    )


def _script(setup: TrainingSetup, lost: tuple[str, ...]) -> str:
    shape, layout = setup.shape, setup.layout
    mixed = "param_dtype=DType.bfloat16, " if layout.regime == Regime.FSDP2 else ""
    name = "fsdp" if layout.regime == Regime.FSDP2 else "ddp"
    parallel = f"TransformerDataParallelConfig(name=DataParallelType.{name}, {mixed}reduce_dtype=DType.float32)"
    return _SCRIPT.format(
        **template_values(setup, OLMO_CORE, lost),
        head_dim=shape.width // shape.n_heads,
        parallel=parallel if layout.data > 1 else "None",
        autocast="None" if mixed else "DType.bfloat16",
        again="TransformerActivationCheckpointingConfig()" if layout.recompute == Recompute.FULL else "None",
        kept=[each.step for each in setup.checkpoints],
    )


_SCRIPT = '''"""The configuration of OLMo-core for one run.

{head}
"""

from olmo_core.config import DType
from olmo_core.data import NumpyDataLoaderConfig, NumpyFSLDatasetConfig, TokenizerConfig
from olmo_core.distributed.parallel import DataParallelType
from olmo_core.nn.feed_forward import FeedForwardConfig
from olmo_core.nn.transformer import TransformerConfig
from olmo_core.optim import AdamWConfig
from olmo_core.optim.scheduler import WSD
from olmo_core.script_utils import ExperimentConfig, main
from olmo_core.train import Duration, TrainerConfig
from olmo_core.train.callbacks import CheckpointerCallback, ConfigSaverCallback
from olmo_core.train.train_module import (
    TransformerActivationCheckpointingConfig,
    TransformerDataParallelConfig,
    TransformerTrainModuleConfig,
)

TOKENS = ["/data/tokens/*.npy"]
TOKENIZER = TokenizerConfig(vocab_size={vocab_size}, eos_token_id=0, pad_token_id=1)
SEQ_LEN = {seq_len}


def config(options, overrides):
    return ExperimentConfig(
        model=TransformerConfig.llama_like(
            d_model={width},
            vocab_size=TOKENIZER.vocab_size,
            n_layers={depth},
            n_heads={n_heads},
            n_kv_heads={n_kv_heads},
            head_dim={head_dim},
            # The width of gate and up alone, not of both.
            feed_forward=FeedForwardConfig(hidden_size={d_ff}, bias=False),
            rope_theta=10_000,
            tie_word_embeddings={tied},
            # The weights stay in fp32.
            dtype=DType.float32,
        ),
        dataset=NumpyFSLDatasetConfig(
            tokenizer=TOKENIZER,
            paths=TOKENS,
            expand_glob=True,
            sequence_length=SEQ_LEN,
            work_dir=options.work_dir,
        ),
        data_loader=NumpyDataLoaderConfig(global_batch_size={batch} * SEQ_LEN, seed=1, num_workers=4),
        train_module=TransformerTrainModuleConfig(
            rank_microbatch_size={micro} * SEQ_LEN,
            max_sequence_length=SEQ_LEN,
            optim=AdamWConfig(lr={learning_rate}, betas={betas}, eps={eps}, weight_decay={weight_decay}),
            max_grad_norm={clip},
            scheduler=WSD(warmup={warmup}, decay_fraction={decay} / {steps}, decay_min_lr=0.0),
            compile_model=True,
            dp_config={parallel},
            autocast_precision={autocast},
            ac_config={again},
        ),
        trainer=TrainerConfig(
            save_folder=options.save_folder,
            max_duration=Duration.steps({steps}),
            callbacks={{
                "checkpointer": CheckpointerCallback(save_interval=None, fixed_steps={kept}, max_checkpoints=None),
                "config_saver": ConfigSaverCallback(),
            }},
        ),
    ).merge(overrides)


if __name__ == "__main__":
    main(config)
'''

TARGET = Target(
    trainer=OLMO_CORE,
    install="pip install 'ai2-olmo-core==3.0.0'",
    writes="train.py",
    lost=_LOST,
    allowed=data_parallel(Regime.DDP, Regime.FSDP2),
    write=write,
)
