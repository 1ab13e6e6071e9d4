"""The words of a budget: numbers, units, currencies, keys, fillers, and words that are known but not answered."""

import re


def _split(text: str) -> list[str]:
    return text.split()


SCALES = {
    **dict.fromkeys(("hundred", "百"), 2),
    **dict.fromkeys(("k", "thousand", "grand", "千"), 3),
    "万": 4,
    "lakh": 5,
    **dict.fromkeys(("m", "mn", "mio", "million", "millions"), 6),
    "crore": 7,
    "億": 8,
    **dict.fromkeys(("b", "bn", "mrd", "billion", "billions"), 9),
    **dict.fromkeys(("t", "tn", "trillion", "trillions", "兆"), 12),
    "quadrillion": 15,
    "quintillion": 18,
    "sextillion": 21,
    "septillion": 24,
}
"""Word after a number -> power of ten."""
FIRST_SCALES = frozenset(("hundred", "thousand", "百", "千", "万"))
"""Scales that another may follow: hundred thousand, 千万."""
MYRIADS = frozenset("千万億兆")
"""Scales that a further number of a smaller scale may follow: 1億2000万."""
LARGE_SCALES = frozenset(word for word, power in SCALES.items() if power >= 6 and word != "m")
"""Scales that fit parameters and tokens. A small m may be minutes or months."""

_ONES = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMBER_WORDS = {
    "a": "1",
    "an": "1",
    "half": "0.5",
    "single": "1",
    **{word: str(n) for n, word in enumerate([*_ONES.split(), "seventeen", "eighteen", "nineteen"], 1)},
    "dozen": "12",
    **{word: str(10 * n) for n, word in enumerate(_TENS, 2)},
}
"""Number word -> its digits."""
TENS = frozenset(_TENS)
ONES = frozenset(_ONES.split()[:9])

SECONDS_PER_HOUR = 3600
_UNIT_HOURS = {
    (1, 3600): "s sec secs second seconds 秒",
    (1, 60): "min mins minute minutes 分",
    (1, 1): "h hr hrs hour hours 時間",
    (24, 1): "d day days 日 日間",
    (7 * 24, 1): "w wk wks week weeks 週 週間",
    (14 * 24, 1): "fortnight fortnights",
    (30 * 24, 1): "mo mos month months ヶ月 か月 カ月 ケ月 ヵ月 箇月 ヶ月間 か月間 カ月間",
    (365 * 24, 1): "yr yrs year years 年 年間",
}
DURATION_UNITS = {word: ratio for ratio, words in _UNIT_HOURS.items() for word in words.split()}
"""Unit of time -> hours as (numerator, denominator), so that 90 min is 1.5 h to the last bit."""
HOURS = (1, 1)
MINUTES = (1, 60)
HOUR_WORDS = frozenset(_UNIT_HOURS[HOURS].split())
SECOND_WORDS = frozenset(("s", "sec", "second"))
SINGULAR_TIMES = frozenset(("second", "minute", "hour", "day", "week", "fortnight", "month", "year"))
"""After a number of devices they are a duration with its "for a" left out, or device-time without its plural."""
AMBIGUOUS_M = "minutes, months or millions; write min, months or million"

_SI = {"kilo": 3, "mega": 6, "giga": 9, "tera": 12, "peta": 15, "exa": 18, "zetta": 21, "yotta": 24}
SI_POWERS = {"": 0, **_SI, **{name[0]: power for name, power in _SI.items()}}
FLOPS_WORD = re.compile(rf"({'|'.join(SI_POWERS)})(flops?|(?<=.)fs?)")

PARAMS = frozenset(("param", "params", "parameter", "parameters", "パラメータ", "パラメーター"))
MODELS = frozenset(("model", "models", "llm", "lm", "transformer", "network", "モデル"))
TOKENS = frozenset(("token", "tokens", "tok", "toks", "トークン"))
BEFORE_DECAY = (
    ("before", "the", "decay"), ("before", "decay"), ("at", "constant", "learning", "rate"), ("at", "constant", "rate"),
    ("at", "constant", "lr"), ("constant", "rate"), ("constant", "lr"),
)  # fmt: skip
"""Phrases behind a loss, the longer ones first."""
LOSSES = frozenset(("loss", "nats", "損失"))
PERCENT = frozenset(("%", "percent", "パーセント"))
MFU_WORDS = frozenset(("mfu", "util", "utilization", "utilisation"))
SEQ_WORDS = frozenset(("seq", "seqlen", "seq_len", "sequence", "context", "ctx"))
EPOCHS = frozenset(("epoch", "epochs", "エポック"))
PRECISION_WORDS = {
    **{word: word for word in ("fp32", "tf32", "bf16", "fp16", "fp8", "fp4")},
    "bfloat16": "bf16",
    "float16": "fp16",
    "float32": "fp32",
    "nvfp4": "fp4",
    "mxfp8": "fp8",
}
KEYS = {
    **dict.fromkeys(MFU_WORDS, "mfu"),
    **dict.fromkeys(PARAMS, "n_params"),
    **dict.fromkeys(TOKENS, "tokens"),
    **dict.fromkeys(SEQ_WORDS, "seq_len"),
    **dict.fromkeys(("loss", "損失"), "loss"),
    "flop": "flops",
    "flops": "flops",
}
"""Words that a number may follow: loss 2.6, MFU of 40%."""
EQUALS_KEYS = {"n": "n_params", "d": "tokens", "c": "flops", **dict.fromkeys(EPOCHS, "epochs"), "gpus": "n_devices"}
"""Words that are keys only before an equals sign: "14 d" is days."""

TIMES = frozenset(("x", "×", "*", "·"))
PER = frozenset(("/", "per", "a", "an", "each"))
AT = frozenset(("at", "@", "with"))
MINUS = frozenset(("-$", "-€", "-¥"))
"""A minus before an amount, or a dash between two."""
RANGES = MINUS | frozenset(("-", "~", "..", "...", "to", "or", "vs", "から"))
"""Between two numbers they make a range or alternatives."""
DOLLARS = frozenset(("$", "us$", "usd", "dollar", "dollars", "buck", "bucks", "ドル", "米ドル"))
YEN = frozenset(("¥", "yen", "jpy", "円"))
EUROS = frozenset(("€", "eur", "euro", "euros"))
CURRENCY = DOLLARS | YEN | EUROS
GENERIC = frozenset(
    f"{word}{plural}" for word in ("gpu", "device", "accelerator", "chip", "card") for plural in ("", "s")
) | {"台", "枚", "基"}
NODES = frozenset(("node", "nodes", "host", "hosts", "server", "servers", "box", "boxes", "machine", "machines"))
VENDORS = frozenset(("nvidia", "amd", "google", "intel", "tesla", "geforce", "quadro", "instinct"))
BOARDS = frozenset(("dgx",))

DANGLING = frozenset(("for", "at", "on", "of", "with", "using", "and", "in", "over"))
"""Fillers that something must follow."""
TRAIN = frozenset(_split("train training pretrain pretraining pre 学習 事前学習 訓練"))
"""Fillers that a number of parameters may follow: train 7B on 64 H100."""
BOUNDS = frozenset(("max", "maximum", "under", "most"))
BOUND_PAIRS = frozenset((("up", "to"), ("less", "than")))
"""What makes the number behind it an upper bound."""
FILLERS = (
    DANGLING
    | TRAIN
    | VENDORS
    | frozenset(
        _split("""
        i we you us me i'm i've i'd we're we've we'd have has had having got get give given can could may should would
        do does be is are am was want wants need needs like plan planning hope to by from through up please thanks thank
        what what's which how size big large long much many best my our your the a an this that it them there all only
        just total altogether each worth spend spending use used uses run running runs rent rented renting own access
        available about around roughly approximately approx ca circa ~ ≈ @ budget compute cluster cloud time duration
        cost costs price priced hardware setup money during within dense new one's let's say so if then next
        target kindly hi hello hey maximum max most now currently left free data dataset corpus text precision mixed
        optimal grant funding tell show afford possible less than under
        の で を は が と に へ も 約 およそ 使って 使い 使用 使う 予算 計算 間 して する したい です ます 合計 上 分の
        """)
    )
    | frozenset(_split(", ; . ? ! ( ) : - … 、 。 「 」 ・ \" “ ” 's"))
)
"""Words and marks without a meaning of their own."""

_ENERGY = "is energy or power, which budgetscope does not convert; say devices and time, or dollars"
_MONEY = "is a currency without a rate here; write dollars ($), euros (€) or yen (¥)"
_RATE = "is a throughput, not a budget; say devices and time, and the throughput with --measured"
_SAMPLING = "is no pretraining; budgetscope plans pretraining runs"
OWN_MACHINES = re.compile(
    r"(lap|desk)tops?|notebooks?|workstations?|computers?|pcs?|cpus?|i?mac(book)?s?|apple|m[1-9]|ノートパソコン|パソコン"
)
"""Words for a computer of one's own, which has no entry among the devices."""
OWN_MACHINE = "is a machine of your own; write its sustained rate and a time, such as '2 TFLOP/s for 3 days'"
KNOWN_BUT_REFUSED = {
    **dict.fromkeys(
        _split("kwh mwh gwh twh wh joule joules kj mj gj kw mw gw watt watts kilowatts megawatts"), _ENERGY
    ),
    **dict.fromkeys(_split("kilowatt megawatt 電力"), _ENERGY),
    **dict.fromkeys(_split("£ ₹ ₩ 元 gbp pound pounds cny rmb yuan inr rupees krw won chf cad aud"), _MONEY),
    **dict.fromkeys(("tps", "tok/s"), _RATE),
    **dict.fromkeys(
        ("finetune", "finetuning", "fine", "tune", "tuning", "lora", "inference", "serve", "serving"), _SAMPLING
    ),
    "hfu": "counts recomputation as well; say the MFU, as in 40% MFU",
    **dict.fromkeys(("int8", "int4"), "is no training precision here; write bf16, fp16, fp8 or leave it out"),
    **dict.fromkeys(("vocab", "vocabulary"), "is not part of a budget; say it with --vocab"),
    **dict.fromkeys(
        ("least", "minimum", "more", "beyond", "except", "without", "not", "no", "minus", "plus", "+"),
        "changes the amount; write the amount itself",
    ),
    **dict.fromkeys(("few", "couple", "several", "some"), "is no number; write the number"),
    **dict.fromkeys(("or", "vs", "versus", "between"), "offers a choice; ask for one of the two at a time"),
}
"""Word -> why it is refused."""
