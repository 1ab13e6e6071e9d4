"""nanochat: the command line of its base training, whose model follows from the depth."""

from budgetscope.core.language import _
from budgetscope.core.trainers import NANOCHAT, Name, Quantity, Unit
from budgetscope.store.configs.common import default_amount, defaults, draft_of, least_rate, precision_switches
from budgetscope.store.configs.draft import Draft
from budgetscope.store.configs.loaded import Family, Loaded

_READ = "nanochat commit 00255c1"
_VARIANTS = {
    Quantity.SEQ_LEN: (Name("--sequence-len"),),
    Quantity.WARMUP: (Name("--warmup-ratio", Unit.SHARE),),
    Quantity.DECAY: (Name("--final-warmdown-ratio", Unit.SHARE),),
}


def matches(loaded: Loaded) -> bool:
    """Return whether a configuration is nanochat's."""
    if loaded.form == "command":
        return "base_train" in loaded.programs() or (loaded.has("depth") and not loaded.has("num_layers"))
    return loaded.has("depth", "device_batch_size")


def read(loaded: Loaded) -> Draft:
    """Return the draft of a configuration."""
    draft = draft_of(loaded, NANOCHAT.name, "--run", "--model-tag")
    draft.read(NANOCHAT.names, _VARIANTS)
    values = draft.values
    # Read in scripts/base_train.py at commit 00255c1.
    default_amount(draft, _READ, Quantity.WARMUP, 40, Unit.STEPS)
    default_amount(draft, _READ, Quantity.DECAY, 0.65, Unit.SHARE)
    defaults(draft, NANOCHAT.version, depth=20, head_dim=128, seq_len=2048)
    default_amount(draft, NANOCHAT.version, Quantity.MICRO_BATCH, 32, Unit.SEQUENCES)
    depth, head_dim = values.get("depth"), values.get("head_dim")
    aspect = int(draft.number("--aspect-ratio") or 64)
    if depth and head_dim and aspect > 0:
        width = -(-depth * aspect // head_dim) * head_dim
        draft.assume("width", width, f"{head_dim} x ceil({depth} x {aspect} / {head_dim})", "--aspect-ratio")
        draft.assume("n_heads", width // head_dim, f"{width} / {head_dim}")
        draft.assume("d_ff", 4 * width, f"4 x {width}")
    precision_switches(draft, fp8="fp8")
    # Muon for the matrices of the blocks, AdamW for the rest; a linear fall at the end.
    defaults(draft, NANOCHAT.version, gated=False, tied=False, optimizer="muon", schedule="wsd", precision="bf16")
    least_rate(draft, "--final-lr-frac")
    ratio = draft.number("--target-param-data-ratio")
    if Quantity.LENGTH not in draft.amounts:
        draft.remarks.append(
            _(
                "The length follows from the tokens per parameter ({ratio}), which nanochat counts in its own way."
            ).format(ratio=f"{ratio:.12g}" if ratio and ratio > 0 else _("its default"))
        )
    draft.remarks.append(
        _("Learning rates, betas and weight decay are nanochat's own: its optimizer is Muon with AdamW.")
    )
    draft.ignore(
        "--embedding-lr", "--unembedding-lr", "--matrix-lr", "--scalar-lr", "--core-metric-every", "--sample-every"
    )
    return draft


FAMILY = Family(NANOCHAT.name, "nanochat (command line)", matches, read)
