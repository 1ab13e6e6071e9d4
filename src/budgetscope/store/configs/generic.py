"""Configurations of no trainer that is known: keys that most people use for the quantities of a run."""

from budgetscope.core.language import _
from budgetscope.core.trainers import Name, Quantity, Unit
from budgetscope.store.configs.cells import Cell, plain_key
from budgetscope.store.configs.common import draft_of, epochs_told, precision, schedule, share_or_steps
from budgetscope.store.configs.draft import Draft
from budgetscope.store.configs.hugging_face import model
from budgetscope.store.configs.loaded import Family, Loaded

UNKNOWN_TRAINER = "unknown"


def _plain(words: str, unit: Unit = Unit.PLAIN) -> tuple[Name, ...]:
    return tuple(Name(word, unit) for word in words.split())


_NAMES = {
    Quantity.DEPTH: _plain("n_layers n_layer num_layers num_hidden_layers depth"),
    Quantity.WIDTH: _plain("d_model n_embd hidden_size hidden_dim embed_dim model_dim width dim"),
    Quantity.D_FF: _plain("d_ff intermediate_size ffn_hidden_size ffn_dim mlp_dim intermediate_dim"),
    Quantity.N_HEADS: _plain("n_heads n_head num_heads num_attention_heads"),
    Quantity.N_KV_HEADS: _plain("n_kv_heads num_key_value_heads num_kv_heads n_kv_head"),
    Quantity.HEAD_DIM: _plain("head_dim d_head head_size"),
    Quantity.VOCAB_SIZE: _plain("vocab_size padded_vocab_size n_vocab"),
    Quantity.TIED: _plain("tie_word_embeddings weight_tying tie_embeddings tied_embeddings"),
    Quantity.SEQ_LEN: _plain(
        "seq_len seq_length sequence_length context_length max_seq_len max_seq_length block_size ctx_len max_length"
    ),
    Quantity.BATCH: (
        *_plain("batch_tokens tokens_per_batch tokens_per_step batch_size_tokens", Unit.TOKENS),
        *_plain("global_batch_size total_batch_size train_batch_size", Unit.SEQUENCES),
    ),
    Quantity.MICRO_BATCH: _plain(
        "per_device_train_batch_size per_device_batch_size device_batch_size micro_batch_size local_batch_size "
        "per_gpu_batch_size",
        Unit.SEQUENCES,
    ),
    Quantity.ACCUMULATION: _plain("gradient_accumulation_steps grad_accum_steps gradient_accumulation accum_freq"),
    Quantity.LENGTH: (
        *_plain("max_steps num_training_steps train_steps num_train_steps total_steps num_steps", Unit.STEPS),
        *_plain("max_iters train_iters num_iterations steps", Unit.STEPS),
        *_plain("max_tokens train_tokens total_tokens num_tokens tokens", Unit.TOKENS),
    ),
    Quantity.LEARNING_RATE: _plain("learning_rate lr max_lr peak_lr"),
    Quantity.WARMUP: _plain("warmup_tokens", Unit.TOKENS),
    Quantity.BETAS: _plain("betas adam_betas"),
    Quantity.BETA1: _plain("adam_beta1 beta1 beta_1"),
    Quantity.BETA2: _plain("adam_beta2 beta2 beta_2"),
    Quantity.EPS: _plain("adam_epsilon adam_eps eps epsilon"),
    Quantity.WEIGHT_DECAY: _plain("weight_decay wd"),
    Quantity.CLIP: _plain(
        "max_grad_norm grad_clip clip_grad gradient_clip_val gradient_clipping grad_clip_norm max_norm"
    ),
}
_NEEDED = (
    Quantity.LEARNING_RATE,
    Quantity.LENGTH,
    Quantity.BATCH,
    Quantity.MICRO_BATCH,
    Quantity.DEPTH,
    Quantity.WIDTH,
)


def matches(loaded: Loaded) -> bool:
    """Return whether enough keys of a configuration are known: three of rate, length, batch, depth and width."""
    last = {key.rsplit(".", 1)[-1] for key in loaded.cells}
    return sum(any(name.key in last for name in _NAMES[quantity]) for quantity in _NEEDED) >= 3


def read(loaded: Loaded) -> Draft:
    """Return the draft of a configuration, by the last level of its keys."""
    draft = draft_of(loaded, UNKNOWN_TRAINER, "run_name", "exp_name", "name")
    cells: dict[str, Cell] = {}
    for key, cell in loaded.cells.items():
        cells.setdefault(plain_key(key.rsplit(".", 1)[-1]), cell)
    draft.cells = cells
    draft.remarks.append(_("No trainer was recognised; keys were read by their usual meaning."))
    draft.read({}, _NAMES)
    model(draft)
    draft.ignore("hidden_act", "activation_function")
    if Quantity.BATCH in draft.amounts:
        draft.read({Quantity.MICRO_BATCH: Name("batch_size", Unit.SEQUENCES)})
    elif draft.cell("batch_size") is not None and Quantity.MICRO_BATCH not in draft.amounts:
        draft.read({Quantity.BATCH: Name("batch_size", Unit.SEQUENCES)})
        draft.remarks.append(_("{key} is taken as sequences of a step over all devices.").format(key="batch_size"))
    share_or_steps(draft, Quantity.WARMUP, "warmup_ratio", "warmup_fraction", "warmup_frac")
    share_or_steps(
        draft, Quantity.WARMUP, "warmup_steps", "num_warmup_steps", "warmup_iters", "lr_warmup_steps", "warmup"
    )
    schedule(draft, "lr_scheduler_type", "lr_schedule", "lr_scheduler", "scheduler", "schedule", "lr_decay_style")
    draft.word("optimizer", "optimizer", "optim", "optimizer_name", lower=True)
    draft.real("min_learning_rate", "min_lr", "min_learning_rate")
    precision(draft, "precision", "dtype", "mixed_precision")
    draft.word("tokenizer", "tokenizer", "tokenizer_name")
    draft.word("dataset", "dataset", "dataset_name")
    draft.real("n_devices", "world_size", "num_gpus", "n_gpus", whole=True)
    epochs_told(draft, "num_epochs")
    return draft


FAMILY = Family(UNKNOWN_TRAINER, "the usual keys", matches, read)
