"""Names that trainers give to the quantities of a run: for what writes their configurations, and for what reads them.

Each table was read in the code of the version that it names. A name is a key, with dots between the levels of a file,
or a flag.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from budgetscope.core.answers.training_setup import TrainingSetup
from budgetscope.core.language import N_


class Quantity(StrEnum):
    """The quantities of a run; the value is the name for people, which whoever shows it translates."""

    DEPTH = N_("layers")
    WIDTH = N_("width")
    D_FF = N_("feed-forward width")
    N_HEADS = N_("query heads")
    N_KV_HEADS = N_("key-value heads")
    HEAD_DIM = N_("width of a head")
    VOCAB_SIZE = N_("vocabulary")
    TIED = N_("tied embeddings")
    SEQ_LEN = N_("sequence length")
    BATCH = N_("batch")
    MICRO_BATCH = N_("micro-batch of a device")
    ACCUMULATION = N_("accumulated micro-batches")
    LENGTH = N_("length of the run")
    LEARNING_RATE = N_("learning rate, peak")
    WARMUP = N_("warmup")
    DECAY = N_("decay")
    BETA1 = "beta1"
    BETA2 = "beta2"
    BETAS = N_("beta1 and beta2")
    EPS = N_("epsilon")
    WEIGHT_DECAY = N_("weight decay, coupled")
    CLIP = N_("clip of the gradient's norm")
    CHECKPOINT_INTERVAL = N_("checkpoint every")
    DATA = N_("data-parallel devices")
    TENSOR = N_("tensor-parallel devices")
    PIPELINE = N_("pipeline stages")
    CONTEXT = N_("context-parallel devices")


class Unit(StrEnum):
    """The units in which trainers count batches, lengths and parts of a run; named as a `Quantity` is."""

    PLAIN = ""
    SEQUENCES = N_("sequences")
    TOKENS = N_("tokens")
    STEPS = N_("steps")
    SHARE = N_("of the run")


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a quantity in a trainer's configuration.

    Attributes:
        key: with dots between levels; a flag starts with dashes.
        unit: of the value.
    """

    key: str
    unit: Unit = Unit.PLAIN


Names = Mapping[Quantity, Name]


@dataclass(frozen=True, slots=True)
class Trainer:
    """A trainer at one version.

    Attributes:
        name: for commands.
        title: for people.
        version: package and version, or repository and commit.
        read: the day on which the names were read in it.
        names: by quantity; what is missing has no key there.
    """

    name: str
    title: str
    version: str
    read: str
    names: Names


def amount(setup: TrainingSetup, quantity: Quantity, unit: Unit) -> float | int | bool | list[float]:
    """Return the value of a quantity in a unit.

    Raises:
        KeyError: the quantity has no such unit.
    """
    steps = {
        Quantity.LENGTH: setup.steps,
        Quantity.WARMUP: setup.warmup_steps,
        Quantity.DECAY: setup.decay_steps,
        Quantity.CHECKPOINT_INTERVAL: setup.checkpoint_interval,
    }
    sequences = {Quantity.BATCH: setup.batch_sequences, Quantity.MICRO_BATCH: setup.layout.micro_sequences}
    match unit:
        case Unit.PLAIN:
            return _plain(setup)[quantity]
        case Unit.STEPS:
            return steps[quantity]
        case Unit.SHARE:
            return steps[quantity] / setup.steps
        case Unit.SEQUENCES:
            return sequences[quantity]
        case Unit.TOKENS:
            in_steps = steps.get(quantity)
            return sequences[quantity] * setup.shape.seq_len if in_steps is None else in_steps * setup.batch_tokens


def _plain(setup: TrainingSetup) -> dict[Quantity, float | int | bool | list[float]]:
    shape, layout = setup.shape, setup.layout
    return {
        Quantity.DEPTH: shape.depth,
        Quantity.WIDTH: shape.width,
        Quantity.D_FF: shape.d_ff,
        Quantity.N_HEADS: shape.n_heads,
        Quantity.N_KV_HEADS: shape.n_kv_heads,
        Quantity.HEAD_DIM: shape.width // shape.n_heads,
        Quantity.VOCAB_SIZE: shape.vocab_size,
        Quantity.TIED: shape.tied,
        Quantity.SEQ_LEN: shape.seq_len,
        Quantity.ACCUMULATION: layout.accumulation,
        Quantity.LEARNING_RATE: setup.learning_rate,
        Quantity.BETA1: setup.beta1,
        Quantity.BETA2: setup.beta2,
        Quantity.BETAS: [setup.beta1, setup.beta2],
        Quantity.EPS: setup.eps,
        Quantity.WEIGHT_DECAY: setup.weight_decay,
        Quantity.CLIP: setup.clip,
        Quantity.DATA: layout.data,
        Quantity.TENSOR: layout.tensor,
        Quantity.PIPELINE: layout.pipeline,
        Quantity.CONTEXT: layout.context,
    }


def values(setup: TrainingSetup, names: Names) -> dict[str, float | int | bool | list[float]]:
    """Return the value of each key of a trainer, in its unit."""
    return {name.key: amount(setup, quantity, name.unit) for quantity, name in names.items()}


HUGGING_FACE = Trainer(
    "huggingface",
    "Hugging Face Trainer",
    "transformers 5.24.0",
    "2026-11-30",
    {
        # config.json of a LlamaForCausalLM; no file has the sequence length of the training.
        Quantity.DEPTH: Name("num_hidden_layers"),
        Quantity.WIDTH: Name("hidden_size"),
        Quantity.D_FF: Name("intermediate_size"),
        Quantity.N_HEADS: Name("num_attention_heads"),
        Quantity.N_KV_HEADS: Name("num_key_value_heads"),
        Quantity.HEAD_DIM: Name("head_dim"),
        Quantity.VOCAB_SIZE: Name("vocab_size"),
        Quantity.TIED: Name("tie_word_embeddings"),
        # TrainingArguments.
        Quantity.MICRO_BATCH: Name("per_device_train_batch_size", Unit.SEQUENCES),
        Quantity.ACCUMULATION: Name("gradient_accumulation_steps"),
        Quantity.LENGTH: Name("max_steps", Unit.STEPS),
        Quantity.LEARNING_RATE: Name("learning_rate"),
        Quantity.WARMUP: Name("warmup_steps", Unit.STEPS),
        Quantity.DECAY: Name("lr_scheduler_kwargs.num_decay_steps", Unit.STEPS),
        Quantity.BETA1: Name("adam_beta1"),
        Quantity.BETA2: Name("adam_beta2"),
        Quantity.EPS: Name("adam_epsilon"),
        Quantity.WEIGHT_DECAY: Name("weight_decay"),
        Quantity.CLIP: Name("max_grad_norm"),
    },
)

TORCHTITAN = Trainer(
    "torchtitan",
    "torchtitan",
    "torchtitan 0.3.0",
    "2026-11-30",
    {
        # The model's configuration in Python.
        Quantity.WIDTH: Name("dim"),
        Quantity.D_FF: Name("hidden_dim"),
        Quantity.N_HEADS: Name("n_heads"),
        Quantity.N_KV_HEADS: Name("n_kv_heads"),
        Quantity.VOCAB_SIZE: Name("vocab_size"),
        Quantity.TIED: Name("enable_weight_tying"),
        # Trainer.Config.
        Quantity.SEQ_LEN: Name("training.seq_len"),
        Quantity.BATCH: Name("training.global_batch_size", Unit.SEQUENCES),
        Quantity.MICRO_BATCH: Name("training.local_batch_size", Unit.SEQUENCES),
        Quantity.LENGTH: Name("training.steps", Unit.STEPS),
        Quantity.LEARNING_RATE: Name("optimizer.lr"),
        Quantity.WARMUP: Name("lr_scheduler.warmup_steps", Unit.STEPS),
        Quantity.DECAY: Name("lr_scheduler.decay_ratio", Unit.SHARE),
        Quantity.BETAS: Name("optimizer.betas"),
        Quantity.EPS: Name("optimizer.eps"),
        Quantity.WEIGHT_DECAY: Name("optimizer.weight_decay"),
        Quantity.CLIP: Name("training.max_norm"),
        Quantity.CHECKPOINT_INTERVAL: Name("checkpoint.interval", Unit.STEPS),
        Quantity.TENSOR: Name("parallelism.tensor_parallel_degree"),
        Quantity.PIPELINE: Name("parallelism.pipeline_parallel_degree"),
        Quantity.CONTEXT: Name("parallelism.context_parallel_degree"),
    },
)

MEGATRON = Trainer(
    "megatron",
    "Megatron-LM",
    "Megatron-LM core_v0.19.2",
    "2026-11-30",
    {
        Quantity.DEPTH: Name("--num-layers"),
        Quantity.WIDTH: Name("--hidden-size"),
        Quantity.D_FF: Name("--ffn-hidden-size"),
        Quantity.N_HEADS: Name("--num-attention-heads"),
        # Read with --group-query-attention alone.
        Quantity.N_KV_HEADS: Name("--num-query-groups"),
        Quantity.HEAD_DIM: Name("--kv-channels"),
        Quantity.VOCAB_SIZE: Name("--vocab-size"),
        Quantity.SEQ_LEN: Name("--seq-length"),
        Quantity.BATCH: Name("--global-batch-size", Unit.SEQUENCES),
        Quantity.MICRO_BATCH: Name("--micro-batch-size", Unit.SEQUENCES),
        Quantity.LENGTH: Name("--train-iters", Unit.STEPS),
        Quantity.LEARNING_RATE: Name("--lr"),
        Quantity.WARMUP: Name("--lr-warmup-iters", Unit.STEPS),
        Quantity.DECAY: Name("--lr-wsd-decay-iters", Unit.STEPS),
        Quantity.BETA1: Name("--adam-beta1"),
        Quantity.BETA2: Name("--adam-beta2"),
        Quantity.EPS: Name("--adam-eps"),
        Quantity.WEIGHT_DECAY: Name("--weight-decay"),
        Quantity.CLIP: Name("--clip-grad"),
        Quantity.CHECKPOINT_INTERVAL: Name("--save-interval", Unit.STEPS),
        Quantity.TENSOR: Name("--tensor-model-parallel-size"),
        Quantity.PIPELINE: Name("--pipeline-model-parallel-size"),
        Quantity.CONTEXT: Name("--context-parallel-size"),
    },
)
LITGPT = Trainer(
    "litgpt",
    "LitGPT",
    "litgpt 0.5.13",
    "2026-11-30",
    {
        Quantity.DEPTH: Name("model_config.n_layer"),
        Quantity.WIDTH: Name("model_config.n_embd"),
        Quantity.D_FF: Name("model_config.intermediate_size"),
        Quantity.N_HEADS: Name("model_config.n_head"),
        Quantity.N_KV_HEADS: Name("model_config.n_query_groups"),
        Quantity.HEAD_DIM: Name("model_config.head_size"),
        # `vocab_size` is rounded up to a multiple of 512 where this is left out.
        Quantity.VOCAB_SIZE: Name("model_config.padded_vocab_size"),
        Quantity.TIED: Name("train.tie_embeddings"),
        Quantity.SEQ_LEN: Name("train.max_seq_length"),
        Quantity.BATCH: Name("train.global_batch_size", Unit.SEQUENCES),
        Quantity.MICRO_BATCH: Name("train.micro_batch_size", Unit.SEQUENCES),
        Quantity.LENGTH: Name("train.max_tokens", Unit.TOKENS),
        Quantity.LEARNING_RATE: Name("optimizer.init_args.lr"),
        Quantity.WARMUP: Name("train.lr_warmup_steps", Unit.STEPS),
        Quantity.BETAS: Name("optimizer.init_args.betas"),
        Quantity.EPS: Name("optimizer.init_args.eps"),
        Quantity.WEIGHT_DECAY: Name("optimizer.init_args.weight_decay"),
        Quantity.CLIP: Name("train.max_norm"),
        Quantity.CHECKPOINT_INTERVAL: Name("train.save_interval", Unit.STEPS),
    },
)
# Its flags were read in a stored copy at commit 00255c1; its sizes are those published at 92d63d4.
NANOCHAT = Trainer(
    "nanochat",
    "nanochat",
    "nanochat commit 92d63d4",
    "2026-11-30",
    {
        Quantity.DEPTH: Name("--depth"),
        Quantity.HEAD_DIM: Name("--head-dim"),
        Quantity.SEQ_LEN: Name("--max-seq-len"),
        Quantity.BATCH: Name("--total-batch-size", Unit.TOKENS),
        Quantity.MICRO_BATCH: Name("--device-batch-size", Unit.SEQUENCES),
        Quantity.LENGTH: Name("--num-iterations", Unit.STEPS),
        Quantity.WARMUP: Name("--warmup-steps", Unit.STEPS),
        Quantity.DECAY: Name("--warmdown-ratio", Unit.SHARE),
        Quantity.CHECKPOINT_INTERVAL: Name("--save-every", Unit.STEPS),
    },
)
OLMO_CORE = Trainer(
    "olmo-core",
    "OLMo-core",
    "ai2-olmo-core 3.0.0",
    "2026-11-30",
    {
        Quantity.DEPTH: Name("model.n_layers"),
        Quantity.WIDTH: Name("model.d_model"),
        Quantity.D_FF: Name("model.block.feed_forward.hidden_size"),
        Quantity.N_HEADS: Name("model.block.sequence_mixer.n_heads"),
        Quantity.N_KV_HEADS: Name("model.block.sequence_mixer.n_kv_heads"),
        Quantity.HEAD_DIM: Name("model.block.sequence_mixer.head_dim"),
        Quantity.VOCAB_SIZE: Name("model.vocab_size"),
        Quantity.TIED: Name("model.tie_word_embeddings"),
        Quantity.SEQ_LEN: Name("dataset.sequence_length"),
        Quantity.BATCH: Name("data_loader.global_batch_size", Unit.TOKENS),
        Quantity.MICRO_BATCH: Name("train_module.rank_microbatch_size", Unit.TOKENS),
        Quantity.LENGTH: Name("trainer.max_duration.value", Unit.STEPS),
        Quantity.LEARNING_RATE: Name("train_module.optim.lr"),
        Quantity.WARMUP: Name("train_module.scheduler.warmup", Unit.STEPS),
        Quantity.DECAY: Name("train_module.scheduler.decay_fraction", Unit.SHARE),
        Quantity.BETAS: Name("train_module.optim.betas"),
        Quantity.EPS: Name("train_module.optim.eps"),
        Quantity.WEIGHT_DECAY: Name("train_module.optim.weight_decay"),
        Quantity.CLIP: Name("train_module.max_grad_norm"),
    },
)
LEVANTER = Trainer(
    "levanter",
    "Levanter",
    "marin-levanter 0.2.20.dev202606180959",
    "2026-11-30",
    {
        Quantity.DEPTH: Name("model.num_layers"),
        Quantity.WIDTH: Name("model.hidden_dim"),
        Quantity.D_FF: Name("model.intermediate_dim"),
        Quantity.N_HEADS: Name("model.num_heads"),
        Quantity.N_KV_HEADS: Name("model.num_kv_heads"),
        Quantity.HEAD_DIM: Name("model.head_dim"),
        # Read with the tokenizer `passthrough` alone.
        Quantity.VOCAB_SIZE: Name("data.vocab_size"),
        Quantity.TIED: Name("model.tie_word_embeddings"),
        Quantity.SEQ_LEN: Name("train_seq_len"),
        Quantity.BATCH: Name("trainer.train_batch_size", Unit.SEQUENCES),
        Quantity.MICRO_BATCH: Name("trainer.per_device_parallelism", Unit.SEQUENCES),
        Quantity.LENGTH: Name("trainer.num_train_steps", Unit.STEPS),
        Quantity.LEARNING_RATE: Name("optimizer.learning_rate"),
        # Up to 1 these are shares of the run, whole or not.
        Quantity.WARMUP: Name("optimizer.warmup", Unit.STEPS),
        Quantity.DECAY: Name("optimizer.decay", Unit.STEPS),
        Quantity.BETA1: Name("optimizer.beta1"),
        Quantity.BETA2: Name("optimizer.beta2"),
        Quantity.EPS: Name("optimizer.epsilon"),
        Quantity.WEIGHT_DECAY: Name("optimizer.weight_decay"),
        Quantity.CLIP: Name("optimizer.max_grad_norm"),
    },
)
# Its flags were read in the last stored copy of open_lm/params.py, of commit 521ce12.
OPEN_LM = Trainer(
    "open_lm",
    "open_lm",
    "open_lm commit 9bb92ef",
    "2026-11-30",
    {
        # The model's JSON.
        Quantity.DEPTH: Name("n_layers"),
        Quantity.WIDTH: Name("hidden_dim"),
        Quantity.N_HEADS: Name("n_heads"),
        Quantity.VOCAB_SIZE: Name("vocab_size"),
        Quantity.TIED: Name("weight_tying"),
        Quantity.SEQ_LEN: Name("seq_len"),
        # Flags.
        Quantity.BATCH: Name("--global-batch-size", Unit.SEQUENCES),
        Quantity.ACCUMULATION: Name("--accum-freq"),
        Quantity.LEARNING_RATE: Name("--lr"),
        Quantity.WARMUP: Name("--warmup", Unit.STEPS),
        Quantity.BETA1: Name("--beta1"),
        Quantity.BETA2: Name("--beta2"),
        Quantity.EPS: Name("--eps"),
        Quantity.WEIGHT_DECAY: Name("--wd"),
        Quantity.CLIP: Name("--grad-clip-norm"),
        # Tokens of an epoch: a checkpoint is kept after each.
        Quantity.CHECKPOINT_INTERVAL: Name("--train-num-samples", Unit.TOKENS),
    },
)

TRAINERS = (HUGGING_FACE, TORCHTITAN, MEGATRON, LITGPT, NANOCHAT, OLMO_CORE, LEVANTER, OPEN_LM)
