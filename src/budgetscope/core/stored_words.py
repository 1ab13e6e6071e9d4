"""Texts that are stored in English, in the language in use: the flags, notes and methods of fits, the notes of devices.

A file says a text with its numbers. The text is recognised by its template, whose translation then gets the numbers.
"""

import re
from functools import cache

from budgetscope.core.budget.quantities import format_count, parse_count
from budgetscope.core.language import ENGLISH, N_, _, code

FLAGS = (
    N_(
        "The data is the text that came with Python, for trying the machinery: laws fitted to it say nothing of other "
        "text."
    ),
    N_(
        "{n} of {total} readings pass more than {most} times over {corpus}, up to {worst} times, and do not vote in "
        "the fit: repeated text teaches less and would bend the laws."
    ),
    N_("The runs do not determine the irreducible loss: its prior does."),
    N_(
        "The sizes of stage 1 say of the learning rate's exponent only that it lies in [{low}, {high}], a factor of "
        "{factor} either way at {size} parameters: the law takes {rule}, that of Porian et al., through the measured "
        "middle."
    ),
    N_(
        "The sizes of stage 1 say of the batch's exponent only that it lies in [{low}, {high}], a factor of {factor} "
        "either way at {size} parameters: the law takes {rule}, that of Porian et al., through the measured middle."
    ),
    N_(
        "The sizes of stage 1 say of the learning rate's exponent only that it lies in [{low}, {high}], a factor of "
        "{factor} either way at {size} parameters: the law takes {rule}, that of Porian et al., although outside, "
        "through the measured middle."
    ),
    N_(
        "The sizes of stage 1 say of the batch's exponent only that it lies in [{low}, {high}], a factor of {factor} "
        "either way at {size} parameters: the law takes {rule}, that of Porian et al., although outside, through the "
        "measured middle."
    ),
    N_(
        "The sizes of stage 1 say of the learning rate's exponent only that it lies in [{low}, {high}], a factor "
        "of {factor} either way at {size} parameters: the law and stage 2 take {rule}, that of Porian et al., "
        "through the measured middle."
    ),
    N_(
        "The sizes of stage 1 say of the batch's exponent only that it lies in [{low}, {high}], a factor of "
        "{factor} either way at {size} parameters: the law and stage 2 take {rule}, that of Porian et al., through"
        " the measured middle."
    ),
    N_(
        "The sizes of stage 1 say of the learning rate's exponent only that it lies in [{low}, {high}], a factor "
        "of {factor} either way at {size} parameters: the law and stage 2 take {rule}, that of Porian et al., "
        "although outside, through the measured middle."
    ),
    N_(
        "The sizes of stage 1 say of the batch's exponent only that it lies in [{low}, {high}], a factor of "
        "{factor} either way at {size} parameters: the law and stage 2 take {rule}, that of Porian et al., "
        "although outside, through the measured middle."
    ),
    N_("The sizes span a factor of {factor} only: exponents are weak."),
    N_("The budgets span a factor of {factor} only: exponents are weak."),
    N_("No batch prefers another beta2 than {beta2} beyond the noise: no threshold is fitted."),
    N_(
        "A beta2 of {first} up to a batch of {below} tokens and {second} from {above} fits, but not beyond the noise, "
        "so no threshold is fitted: repeat seeds, or try more batches."
    ),
    N_(
        "From the smallest batch to the largest the best beta2 is {best}: no single threshold between two values "
        "describes it, so none is fitted."
    ),
    N_("N counts the blocks and one tied embedding, which is taken for the standard count."),
    N_("How N is counted was not verified; the batch law does not use it."),
    N_("Learning rate and batch were fitted on three sizes only, all at D = 20 N."),
    N_("At C={flops} only {n} of {total} noisy draws have an interior minimum."),
    N_("At C={flops} the lowest loss is at the smallest size ({size}): train smaller models there."),
    N_("At C={flops} the lowest loss is at the largest size ({size}): train larger models there."),
    N_("At C={flops} the curve through the sizes has no minimum."),
    N_("{n} budgets are left out, lowest at the smallest size (C={budgets}): train smaller models there."),
    N_("{n} budgets are left out, lowest at the largest size (C={budgets}): train larger models there."),
    N_(
        "The optima scatter about the law {factor} times as far as the noise explains: intervals from the noise alone "
        "are too narrow."
    ),
    N_("The optima scatter about the law {factor} times as far as the noise explains: the intervals include it."),
    N_(
        "The best learning rate scatters about its law {factor} times as far as the noise explains: its intervals are "
        "too narrow."
    ),
    N_(
        "The best learning rate scatters about its law {factor} times as far as the noise explains: its intervals "
        "include it."
    ),
    N_(
        "The best batch scatters about its law {factor} times as far as the noise explains: its intervals are too "
        "narrow."
    ),
    N_("The best batch scatters about its law {factor} times as far as the noise explains: its intervals include it."),
    N_("Only {n} budgets carry the fit: its straightness is untested."),
    N_("Only {n} cells carry the laws: their straightness is untested."),
    N_("The runs cover 1 budget only: how the best N grows with C rests on the form of the law."),
    N_("The runs cover {n} budgets only: how the best N grows with C rests on the form of the law."),
    N_(
        "The best sizes of the budgets bend away from a power law, their local exponent by some {bend} between the "
        "middle and the end: beyond the data the interval is wide."
    ),
    N_("The skew of the curves about the best size is at its bound: not determined."),
    N_("The change of width with compute of the curves about the best size is at its bound: not determined."),
    N_("The optimal loss shows no saturation: E is 0, at its bound."),
    N_("No repeated seeds: the noise is the scatter about smooth curves ({std})."),
    N_("No repeated seeds: the noise is the scatter about smooth surfaces ({std} of the loss)."),
    N_(
        "The losses scatter by {share} about {about}, more than training runs do: check that all are in one unit, and "
        "that no run diverged."
    ),
    N_(
        "At N={n_params}, D={tokens} only {share} of the noisy draws have their optimum inside the grid: its interval "
        "is cut short."
    ),
    N_(
        "The laws are in N alone, and the cells have from {low} to {high} tokens per parameter: what D does beside N, "
        "they do not say."
    ),
    N_("At {cell} the best learning rate is at the edge of the grid ({value}): extend the grid up."),
    N_("At {cell} the best learning rate is at the edge of the grid ({value}): extend the grid down."),
    N_(
        "At {cell} the best learning rate is at the edge of the grid ({value}): higher ones diverged, so try values "
        "between."
    ),
    N_("At {cell} the best batch is at the edge of the grid ({value}): extend the grid up."),
    N_("At {cell} the best batch is at the edge of the grid ({value}): extend the grid down."),
    N_(
        "{n} of {total} settings diverged and were left out: no loss, or above {limit} times their cell's best. The "
        "lowest learning rate of them is {rate}."
    ),
)
"""What the project's fits and calibrations doubt."""

NOTES = (
    N_("Sizes from memory. How the authors count N was not verified; the standard count is taken."),
    N_(
        "From {n} sizes of {low} to {high} parameters at D = 20 N, AdamW, constant schedule, smoothed over learning "
        "rate and batch."
    ),
    N_("What every run of this calibration used, not varied."),
    N_("Independent: weights shrink by this a step at peak learning rate. Used by every run, not varied."),
    N_("Independent: weights shrink by this a step at peak learning rate, applied to all parameters."),
    N_(
        "Fitted to 2e19 FLOPs and checked at 1e20; settings within 0.25% of the best loss counted as near-optimal. "
        "Multi-step schedule."
    ),
    N_("In tokens."),
    N_("Equation D.1; the authors say that it breaks above about 1e10 parameters, and it is negative above 1.2e10."),
    N_("0.95 at 524,288 tokens, Porian's large-batch value, is a half-life of 7.1M tokens."),
    N_("Under the paper's own muP-like parametrisation: not comparable with the other laws."),
    N_("In tokens, from the loss on C4; with another corpus or tokenizer it does not carry over."),
    N_("Half of 0.0047 (N / 108M)^(-1/3)."),
    N_("Porian's rounded rule, unchanged."),
    N_(
        "Standard errors: 0.034 of the N exponent, 0.030 of the D exponent; R2 0.79. By a transcription, the optimum "
        "after annealing is up to 4 times the stable phase's."
    ),
    N_("In sequences of 4096 tokens. Standard errors: 0.022 of the N exponent, 0.019 of the D exponent; R2 0.94."),
    N_(
        "Fitted on three sizes; the runs that used it reached 902M parameters. AdamW, beta1 0.9, eps 1e-8, clip 1, "
        "constant schedule."
    ),
    N_("160 sequences of 2048 tokens at 108M parameters. Fitted on three sizes."),
    N_("The tuned runs had 0.99 up to 192 sequences of 2048 and 0.95 from 256."),
    N_("Linear over N tokens; the paper's short runs cut it to about a fifth of D."),
    N_("Two significant digits of the coefficient are known."),
    N_("In sequences of 2048 tokens; the same law in tokens is 0.758 N^0.703."),
    N_("In tokens, of D alone. The range of D was not published in what was read."),
    N_(
        "Rises with D because the batch does. Standard deviations over 1000 released bootstrap fits: 0.030 of the N "
        "exponent, 0.019 of the D exponent."
    ),
    N_("In tokens, of D alone. Standard deviation of the exponent: 0.019."),
    N_(
        "93.20 (N / 1M)^0.47 sequences of 512 tokens at D = 20 N, taken as a law in D: at fixed D the authors find it "
        "to grow with N^0.087 only, and of fixed N with D^0.47."
    ),
)
"""What the bundled laws of a recipe, and those of a calibration, advise."""

METHODS = (
    N_(
        "The timescale of AdamW, B / (lr lambda D), with the least loss at each number of tokens a parameter; "
        "maximal update parametrisation, SlimPajama, linear decay to zero."
    ),
    N_(
        "This project's Huber fit (delta 1e-3, log loss) to the 240 points that the authors read off figure 4 of "
        "Hoffmann et al. 2022, the five highest losses dropped as they do; 1000 bootstrap draws."
    ),
    N_(
        "budgetscope calibrate, preset {preset}: {cells} cells of learning rate, batch and beta2 at D = 20 N, then "
        "{runs} runs of {sizes} sizes with {seeds} seeds at constant learning rate, read at {budgets} budgets "
        "({dropped} dropped). Joint fit of ln L = m_C + k C^-kappa (u^2 + s u^3), u = ln N/N*(C), to all budgets at "
        "once, {used} budgets used; residual {residual} of the loss."
    ),
    N_(
        "IsoFLOP profiles at 8 budgets on in-house data (the 'current' set), scale measured as non-embedding FLOPs a "
        "token; learning rate and batch from grids at 1e17 to 2e19 FLOPs."
    ),
    N_(
        "Over 400 runs on MassiveText, by the lower envelope of training curves; the paper prints the exponent to "
        "two digits, so both constants are a log-log line through its own nine projections from 400M to 10T "
        "parameters."
    ),
    N_(
        "Over 400 runs on MassiveText, by IsoFLOP parabolas; the paper prints the exponent to two digits, so both "
        "constants are a log-log line through its own nine projections from 400M to 10T parameters."
    ),
    N_(
        "Huber fit of L = E + A/N^alpha + B/D^beta to over 400 runs on MassiveText; Besiroglu et al. could not "
        "reproduce it from the paper's own points."
    ),
    N_(
        "Power law through the best model at each compute, adjusted to a batch far below the critical one: "
        "GPT-2-like decoders on WebText2, batch 512 x 1024 tokens, 3000 steps of warmup, cosine over 250k steps; N "
        "without embeddings and head."
    ),
    N_(
        "Power law through the best model at each compute, at the batch that was trained with: GPT-2-like decoders "
        "on WebText2, batch 512 x 1024 tokens, 3000 steps of warmup, cosine over 250k steps; N without embeddings "
        "and head."
    ),
    N_(
        "The second moment's half-life is held constant in tokens as the batch changes; 10M tokens is the default of "
        "the released code."
    ),
    N_(
        "IsoFLOP parabolas at 6e18 to 1e22 FLOPs, tokens as a power of compute; the printed (0.53, 0.29) does not "
        "give the paper's own 16.55T tokens at 3.8e25 FLOPs, so the exponent is solved from that point."
    ),
    N_(
        "Surface fits to six sizes with a warmup-stable-decay schedule; the optimum is stated as a ratio, whose unit "
        "is inferred from the headline of 192 tokens a parameter."
    ),
    N_(
        "Porian's rounded rule with the learning rate divided by two for a warmup-stable-decay schedule, which its "
        "authors say seems to work empirically; no fit was published."
    ),
    N_(
        "Log-log least squares through 45 smoothed optima of learning rate and batch, five sizes by nine token "
        "counts on Nemotron-CC; AdamW, warmup-stable-decay, loss after annealing. At 1.71B parameters, held out, the "
        "error of the learning rate is 28% and of the batch 10% (by a transcription)."
    ),
    N_(
        "This project's IsoFLOP fit to the published points: Akima interpolation of log loss over log N, {draws} "
        "draws of seed noise, {used} budgets used, {dropped} dropped."
    ),
    N_(
        "Joint fit of ln L = m_C + k C^-kappa (u^2 + s u^3), u = ln N/N*(C), to all budgets at once, {used} budgets "
        "used; residual {residual} of the loss. Points and excess loss by Akima interpolation of each budget."
    ),
    N_(
        "Rounded from a fit to a sweep of learning rate, batch and beta2 at D = 20N on RefinedWeb; three sizes, "
        "28.7M, 57.4M and 108.5M, carry the fit; the tuned runs used it up to 902M."
    ),
    N_(
        "Log-log line through the optima of a sweep of learning rate, batch and beta2 at D = 20N on RefinedWeb; "
        "three sizes carry the fit."
    ),
    N_(
        "A loss law in parameters, batch and steps, L = E + A/N^a + B/M^b + C/K^g, fitted to 246 runs; the batch "
        "that minimises it at given tokens. Batches within 5% of the compute span a factor of 4."
    ),
    N_(
        "Grids of learning rate and batch at 17 pairs of N and D, 1911 dense runs, cosine to a fixed final learning "
        "rate of 1e-5."
    ),
    N_(
        "Batch at which steps to a target loss exceed linear scaling by 20%, on C4 at D = 20N with constant learning "
        "rate and weight averaging."
    ),
)
"""How the laws of the bundled fits, and those of a calibration, were obtained."""

DEVICES = (
    N_("Per card, which is 2 GCDs (software shows each as a GPU); no dated public rent was found."),
    N_("One provider's price."),
    N_("No tf32 in CDNA 4; no dated public rent was found."),
    N_("Per chip."),
    N_("Per chip, which is 2 TensorCores (slices such as {slice} count cores)."),
    N_("Per chip; regions outside the US cost more."),
)
"""Notes of the bundled devices that a plan shows."""

_COUNT = re.compile(r"\d+(\.\d+)? [KMBT]")
"""A number as `english_count` writes it into a stored text."""


def stored_text(text: str) -> str:
    """Return a stored text in the language in use; in English where no template is of it."""
    if code() == ENGLISH:
        return text
    template, given = recognised(text) or (text, {})
    said = {name: format_count(parse_count(each)) if _COUNT.fullmatch(each) else each for name, each in given.items()}
    return _(template).format(**said) if said else _(template)


def recognised(text: str) -> tuple[str, dict[str, str]] | None:
    """Return the template of a stored text and what stands in its places; None where there is none."""
    for template, pattern in _patterns():
        found = pattern.fullmatch(text)
        if found:
            return template, found.groupdict()
    return None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((template, _pattern(template)) for template in (*FLAGS, *NOTES, *METHODS, *DEVICES))


def _pattern(template: str) -> re.Pattern[str]:
    """Return the pattern of a template: its names stand for anything."""
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile(
        "".join(f"(?P<{part}>.+)" if place % 2 else re.escape(part) for place, part in enumerate(parts)), re.DOTALL
    )
