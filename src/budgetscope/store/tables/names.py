"""What a column's name says: the field of a run that it holds, its unit, and how likely it is to be one."""

import re
from collections.abc import Iterable, Sequence

from budgetscope.core.budget.vocabulary import SCALES
from budgetscope.core.counting.ledger import Convention

# Names as `normal` leaves them: lower case, letters and digits only, without the groups of W&B and others.
# Sources: C, N, D, loss of the chinchilla package (PyPI); tokens, loss, flops, params of
# marin-community/marin (scaling_laws/isoflop_analysis.py), throughput/total_tokens of its W&B logs;
# flops_budget, params_*, tokens_trained, val_bpb of karpathy/nanochat (runs/scaling_laws.sh, commit 342a5c4);
# N, D, lr, bs, loss, smooth loss of step-law/steplaw (code/fit_tool.py).
_NAMES = {
    "flops": "c nflops flopsbudget flopbudget trainingflops trainflops totalflops",
    "n_params": "n nparams numparams nparameters numparameters paramcount parametercount",
    "tokens": "d ntokens numtokens traintokens trainingtokens tokenstrained trainedtokens totaltokens tokensseen",
    "learning_rate": "lr learningrate peaklr maxlr baselr lrpeak lrmax peaklearningrate maxlearningrate "
    "baselearningrate",
    "batch_tokens": "batchtokens batchsizetokens tokensperbatch tokensperstep",
    "batch_sequences": "batchsequences batchseqs bsseq batchseq batchsizesequences sequencesperbatch",
    "seq_len": "seqlen sequencelength seqlength contextlength ctxlen maxseqlen maxsequencelength blocksize",
    "beta2": "beta2 adambeta2 b2 adamb2",
    "seed": "seed randomseed rngseed trainseed",
    "step": "step iter iteration globalstep trainerglobalstep",
    "run": "run name runname runid expname experimentname",
    "counting": "counting convention",
}
_KNOWN = {field: frozenset(names.split()) for field, names in _NAMES.items()}
# Groups of W&B, MLflow and nested configs. A single letter behind an inner one is not N or D: `model.d` is as often
# a width.
_OUTER = "config|cfg|summary|hyperparameters|hyperparams|hparams|hp|args|settings|parameters|params|metrics"
_INNER = "model|optimizer|optim|training|trainer|train|scheduler|data|throughput"
_GROUPS = re.compile(rf"^(?:(?:{_OUTER})[./])*(?:(?:{_INNER})[./](?=[0-9a-z_ ]{{2}}))*")
# Words that do not change what a column counts.
_FILLER_NAMES = """
    total train training trained num number n nb no count counts of in processed seen used model final size
"""
_FILLERS = frozenset(_FILLER_NAMES.split())
_SUBJECTS = {
    "flops": frozenset(("flop", "flops", "compute")),
    "n_params": frozenset(("param", "params", "parameter", "parameters")),
    "tokens": frozenset(("token", "tokens")),
}
# Words that may stand beside these: `C (FLOPs)`, `flop_budget`, `D (tokens)`.
_BESIDE = {"flops": frozenset(("c", "budget")), "tokens": frozenset(("d",))}
_BATCH_WORDS = frozenset(["batch", "size", "bs", "global", "effective", "in", "per", "number", "of"])
_SEQUENCES = frozenset(["seq", "seqs", "sequence", "sequences", "samples"])
# nanochat's own total_batch_size is in tokens, Step Law's bs in sequences: the name does not say.
UNCLEAR_BATCH = frozenset(
    ("bs", "gbs", "batch", "batchsize", "globalbatchsize", "effectivebatchsize", "totalbatchsize", "trainbatchsize")
)
# Columns that name what they count are taken under that convention alone.
_BLOCKS = frozenset(("paramstransformer", "nonembeddingparams", "paramsnonembedding", "nparamsnonembedding"))
_ALL = frozenset(("paramstotal", "totalparams", "nparamstotal", "totalparameters"))
_EMBEDDING = frozenset(("embedding", "embeddings", "embed", "emb"))
_NON_EMBEDDING = frozenset(("non", "nonembedding", "nonembed"))
_OF_BLOCKS, _OF_ALL = (Convention.KAPLAN, Convention.DEEPSEEK), (Convention.TOTAL, Convention.EXACT)
_LOSS = re.compile(r"loss|(bpb|bitsperbyte|bpt|bitspertoken|ppl|perplexity|nll|crossentropy)$")
_NOT_LOSS = frozenset(
    ("scale", "std", "stderr", "se", "var", "unit", "weight", "fn", "function", "type", "aux", "z", "min", "max")
)
_UNIT_NAMES = (
    ("bits-per-byte", re.compile(r"bpb|bits(per)?byte")),
    ("bits", re.compile(r"bpt|bits(per)?token|lossbits$")),
    ("perplexity", re.compile(r"ppl|perplexity")),
)

_CLUES = {
    "flops": "flop compute budget",
    "n_params": "param weight size",
    "tokens": "token",
    "loss": "loss bpb ppl perplex nll entropy crossent bits",
}
_LETTER_CLUES = {"flops": "c", "n_params": "n", "tokens": "d"}
_BRACKETS = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]\s*$")
_POWER = re.compile(r"[x×*]?(?:1e|10\^|10\*\*)\+?(\d{1,2})")
_FLOP_WORD = re.compile(r"(kilo|mega|giga|tera|peta|exa|zetta|yotta|[kmgtpezy])(flops?)")
_PREFIXES = "kmgtpezy"
# A full word may stand anywhere in a name, a letter only behind what it counts.
_FULL_WORDS = {f"{word}{end}": SCALES[word] for word in ("million", "billion", "trillion") for end in ("", "s")}
_LETTERS = {word: SCALES[word] for word in ("k", "m", "b", "bn", "t")}
_PF_DAYS = re.compile(r"p(?:eta)?f(?:lops?)?(?:/s)?[-_ ·]?days?", re.IGNORECASE)


def normal(name: str) -> str:
    """Return a column's letters and digits in lower case, without the groups of W&B and of nested configs."""
    return re.sub(r"[^0-9a-z]", "", _GROUPS.sub("", name.strip().casefold()))


def _words(name: str) -> list[str]:
    """Return the words of a name in lower case; an upper-case letter behind a lower one begins another."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.strip())
    return re.findall(r"[0-9a-z]+", _GROUPS.sub("", parted.casefold()))


def unit_in(name: str) -> tuple[str, float]:
    """Return a column's name without the scale that it states, and that scale; 1 where it states none.

    Scales are `(B)`, `[millions]`, `(1e9)`, `in billions`, `tokens_b`, GFLOP and PF-days. Other words in brackets stay
    in the name.
    """
    if _PF_DAYS.search(name):
        return _PF_DAYS.sub(" flops ", name), 8.64e19
    found = _BRACKETS.search(name)
    power, outside = 0, name
    if found is not None:
        kept = []
        for word in re.split(r"[\s,_-]+", found[1].strip().casefold()):
            scale = _FULL_WORDS.get(word, _LETTERS.get(word))
            ten = _POWER.fullmatch(word)
            power += scale or (int(ten[1]) if ten else 0)
            kept += [word] * (scale is None and ten is None)
        outside = f"{name[: found.start()]} {' '.join(kept)}"
    words = _words(outside)
    if power == 0 and len(words) > 1:
        last = words[-1]
        power = next((_FULL_WORDS[word] for word in words if word in _FULL_WORDS), 0)
        if power:
            outside = " ".join(word for word in words if word not in _FULL_WORDS)
        elif last in _LETTERS and any(subjects.intersection(words[:-1]) for subjects in _SUBJECTS.values()):
            power, outside = _LETTERS[last], " ".join(words[:-1])
    for word in words:
        prefixed = _FLOP_WORD.fullmatch(word)
        if prefixed is not None:
            power += 3 * (_PREFIXES.index(prefixed[1][0]) + 1)
            outside = re.sub(word, "flops", outside, flags=re.IGNORECASE)
    return (outside, float(f"1e{power}")) if power else (outside if found else name, 1.0)


def is_named(field: str, column: str, counting: Convention | None = None) -> bool:
    """Return whether a column's name says that it holds a field.

    Args:
        field: of a run.
        column: its name.
        counting: of N; columns that name what they count hold N under that convention alone.
    """
    if field == "loss":
        words = set(re.findall(r"[0-9a-z]+", column.casefold()))
        return bool(_LOSS.search(normal(column))) and not words & _NOT_LOSS
    stem = unit_in(column)[0]
    name, words = normal(stem), set(_words(stem))
    if field == "n_params":
        # `params.total` names what it counts, `params.lr` is a setting in a group.
        whole = re.sub(r"[./]", " ", stem)
        named = _counting_named(normal(whole), set(_words(whole))) or _counting_named(name, words)
        return counting in named if named else _counts_params(name, words)
    if name in _KNOWN[field]:
        return True
    if field in _SUBJECTS:
        content, subjects = words - _FILLERS, _SUBJECTS[field]
        return bool(content & subjects) and content <= subjects | _BESIDE[field]
    if field in ("batch_tokens", "batch_sequences"):
        counted = _SUBJECTS["tokens"] if field == "batch_tokens" else _SEQUENCES
        return bool(words & {"batch", "bs"}) and bool(words & counted) and words <= _BATCH_WORDS | counted
    return False


def _counting_named(name: str, words: set[str]) -> tuple[Convention, ...]:
    """Return the conventions under which a column that names what it counts holds N; none where it does not."""
    content, subjects = words - _FILLERS, _SUBJECTS["n_params"]
    counts = bool(content & subjects) and content <= subjects | _EMBEDDING | _NON_EMBEDDING
    if name in _BLOCKS or (counts and content & _NON_EMBEDDING):
        return _OF_BLOCKS
    return _OF_ALL if name in _ALL or (counts and content <= subjects and "total" in words) else ()


def _counts_params(name: str, words: set[str]) -> bool:
    content = words - _FILLERS
    return name in _KNOWN["n_params"] or (bool(content) and content <= _SUBJECTS["n_params"])


def is_weak(column: str) -> bool:
    """Return whether a name may mean C, and something else as often: a budget, or a rate in TFLOPs."""
    stem, factor = unit_in(column)
    content = set(_words(stem)) - _FILLERS
    return content in ({"budget"}, {"budget", "target"}) or (factor != 1 and is_named("flops", column))


def is_unclear_batch(column: str) -> bool:
    """Return whether a column holds a batch that could count tokens or sequences."""
    return normal(column) in UNCLEAR_BATCH


def unit_of_loss(column: str) -> str | None:
    """Return the loss unit that a column's name states, if it does."""
    return next((unit for unit, pattern in _UNIT_NAMES if pattern.search(normal(column))), None)


def likely(fields: Iterable[str], columns: Sequence[str]) -> list[str]:
    """Return the columns whose names resemble one of the fields, in the order of the fields."""
    found = [column for field in fields for column in columns if _resembles(column, field)]
    return list(dict.fromkeys(found))


def _resembles(column: str, field: str) -> bool:
    name = normal(column)
    if any(clue in name for clue in _CLUES.get(field, field.replace("_", "")).split()):
        return "hparam" not in name and "hyperparam" not in name
    return _LETTER_CLUES.get(field) in _words(column)
