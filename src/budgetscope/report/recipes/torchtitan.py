"""The recipe for torchtitan: a module with the function that its registry of configurations asks for."""

from budgetscope.core.answers.training_setup import TrainingSetup
from budgetscope.core.hardware.memory import Recompute, Regime
from budgetscope.core.language import N_, _
from budgetscope.core.trainers import TORCHTITAN
from budgetscope.report.recipes.target import (
    BF16,
    Target,
    Written,
    data_parallel,
    interval_lost,
    precision_lost,
    template_values,
    torchrun,
)

_LOST = (
    N_("checkpoints at given steps: it saves at equal intervals"),
    N_("attention across documents: its language models mask it"),
    N_("tensor, pipeline and context parallelism: torchtitan has them, but their memory is known for Megatron alone"),
)


def write(setup: TrainingSetup) -> Written:
    """Return the recipe."""
    lost = (*interval_lost(setup), *precision_lost(setup, BF16))
    return Written(
        files=(("recipe.py", _module(setup, (*lost, *_LOST))),),
        run=("export PYTHONPATH=.", torchrun(setup, "-m torchtitan.train --module recipe --config plan")),
        lost=lost,
        notes=(
            _("Put your tokenizer's folder and your data set into recipe.py: hf_assets_path and dataset."),
            _("\"Cannot import module 'recipe'\" may hide another missing import: python -c 'import recipe' names it."),
            _("All checkpoints are kept: torchtitan itself saves none, and keeps ten, unless told."),
        ),
    )


def _module(setup: TrainingSetup, lost: tuple[str, ...]) -> str:
    layout = setup.layout
    replicated = layout.data if layout.regime == Regime.DDP else 1
    again = {
        Recompute.NONE: "None",
        Recompute.SELECTIVE: "SelectiveAC.Config()",
        Recompute.FULL: "FullAC.Config()",
    }
    return _MODULE.format(
        **template_values(setup, TORCHTITAN, lost),
        replicated=replicated,
        sharded=layout.data // replicated,
        interval=setup.checkpoint_interval,
        again=again[layout.recompute],
    )


_MODULE = '''"""The configuration of torchtitan for one run.

{head}
"""

from functools import partial

from torch import nn
from torchtitan.components.checkpoint import CheckpointManager
from torchtitan.components.loss import ChunkedLossWrapper, CrossEntropyLoss
from torchtitan.components.optimizer import LRSchedulersContainer, default_adamw
from torchtitan.config import CompileConfig, ParallelismConfig, TrainingConfig
from torchtitan.distributed.activation_checkpoint import FullAC, SelectiveAC  # noqa: F401 - one of them may be used
from torchtitan.distributed.pipeline_parallel import pipeline_llm
from torchtitan.hf_datasets.text_datasets import HuggingFaceTextDataLoader
from torchtitan.models.common import ComplexRoPE, Embedding, Linear, RMSNorm
from torchtitan.models.common.config_utils import get_attention_config, make_ffn_config, make_gqa_config
from torchtitan.models.common.param_init import skip_param_init
from torchtitan.models.llama3 import (
    Llama3Model,
    Llama3StateDictAdapter,
    Llama3TransformerBlock,
    parallelize_llama,
)
from torchtitan.protocols.model_spec import ModelSpec
from torchtitan.trainer import Trainer

DEPTH, WIDTH, D_FF = {depth}, {width}, {d_ff}
N_HEADS, N_KV_HEADS = {n_heads}, {n_kv_heads}
VOCAB_SIZE, SEQ_LEN = {vocab_size}, {seq_len}
TIED = {tied}


def normal(std):
    return {{"weight": partial(nn.init.trunc_normal_, std=std, a=-3 * std, b=3 * std)}}


def block(layer):
    last = normal(0.02 / (2 * (layer + 1)) ** 0.5)
    norm = RMSNorm.Config(normalized_shape=WIDTH, param_init={{"weight": nn.init.ones_}})
    return Llama3TransformerBlock.Config(
        attention_norm=norm,
        ffn_norm=norm,
        attention=make_gqa_config(
            dim=WIDTH,
            n_heads=N_HEADS,
            n_kv_heads=N_KV_HEADS,
            wqkv_param_init=normal(0.02),
            wo_param_init=last,
            inner_attention=get_attention_config("flex"),
            rope=ComplexRoPE.Config(dim=WIDTH // N_HEADS, max_seq_len=SEQ_LEN, theta=10000.0),
        ),
        feed_forward=make_ffn_config(
            dim=WIDTH, hidden_dim=D_FF, w1_param_init=normal(0.02), w2w3_param_init=last
        ),
    )


def model():
    embedding = {{"weight": skip_param_init}} if TIED else normal(WIDTH**-0.5)
    return Llama3Model.Config(
        dim=WIDTH,
        vocab_size=VOCAB_SIZE,
        enable_weight_tying=TIED,
        tok_embeddings=Embedding.Config(num_embeddings=VOCAB_SIZE, embedding_dim=WIDTH, param_init=embedding),
        norm=RMSNorm.Config(normalized_shape=WIDTH, param_init={{"weight": nn.init.ones_}}),
        lm_head=Linear.Config(in_features=WIDTH, out_features=VOCAB_SIZE, param_init=normal(WIDTH**-0.5)),
        layers=[block(layer) for layer in range(DEPTH)],
    )


def plan():
    return Trainer.Config(
        model_spec=ModelSpec(
            name="llama3",
            flavor="plan",
            model=model(),
            parallelize_fn=parallelize_llama,
            pipelining_fn=pipeline_llm,
            post_optimizer_build_fn=None,
            state_dict_adapter=Llama3StateDictAdapter,
        ),
        hf_assets_path="./tokenizer",
        dataloader=HuggingFaceTextDataLoader.Config(dataset="c4"),
        loss=ChunkedLossWrapper.Config(loss_fn=CrossEntropyLoss.Config(global_vocab_size=VOCAB_SIZE)),
        optimizer=default_adamw(lr={learning_rate}, betas={betas}, eps={eps}, weight_decay={weight_decay}),
        lr_scheduler=LRSchedulersContainer.Config(
            warmup_steps={warmup},
            decay_ratio={decay} / {steps},
            decay_type="linear",
            min_lr_factor=0.0,
        ),
        training=TrainingConfig(
            local_batch_size={micro},
            global_batch_size={batch},
            seq_len=SEQ_LEN,
            steps={steps},
            max_norm={clip},
            # fp32 weights, gradients and optimizer; products in bf16.
            dtype="float32",
            mixed_precision_param="bfloat16",
            mixed_precision_reduce="float32",
        ),
        parallelism=ParallelismConfig(
            data_parallel_replicate_degree={replicated},
            data_parallel_shard_degree={sharded},
        ),
        checkpoint=CheckpointManager.Config(
            enable=True,
            interval={interval},
            keep_latest_k=0,
            last_save_model_only=False,
        ),
        activation_checkpoint={again},
        compile=CompileConfig(enable=True),
    )
'''

TARGET = Target(
    trainer=TORCHTITAN,
    install="pip install 'torchtitan==0.3.0'",
    writes="recipe.py",
    lost=_LOST,
    allowed=data_parallel(Regime.DDP, Regime.FSDP2, selective=True),
    write=write,
)
