"""The words of a plan for a newcomer; `docs/reference/glossary.md` has all of them."""

from budgetscope.core.language import N_, _

_WORDS = (
    (N_("N"), N_("The number of a model's parameters, its weights: the size of the model.")),
    (N_("D"), N_("The number of tokens that the model is trained on. A token is about three quarters of a word.")),
    (N_("D/N"), N_("Tokens per parameter: how much text a model sees for each of its weights; Chinchilla took 20.")),
    (N_("C"), N_("The compute of the training in FLOPs, additions and multiplications: about 6 x N x D.")),
    (N_("FLOP/s"), N_("FLOPs a second: how fast a device computes; without /s it is an amount.")),
    (N_("MFU"), N_("Model FLOPs utilisation: the share of a device's peak speed that the training reaches.")),
    (N_("loss"), N_("How badly the model predicts the next token of text that it has not seen; lower is better.")),
    (N_("nats"), N_("The unit of the loss; a loss lower by 0.1 nats makes the right token 10% more likely.")),
    (N_("scaling law"), N_("A formula, fitted to many small runs, that foretells N, D and loss of a large one.")),
    (N_("optimum"), N_("The N and D with the lowest loss that the budget can reach.")),
    (
        N_("[low, high]"),
        N_("A range: for N, D and loss the true value lies in it in 95 of 100 cases; else it spans laws, MFU, prices."),
    ),
    (N_("extrapolated"), N_("Said of sizes that the law's runs never reached: the further, the less sure.")),
    (N_("flat band"), N_("The sizes that lose less than 0.1% of the loss: any of them is a good choice.")),
    (N_("waste"), N_("Deadweight compute: what a smaller, best planned budget would have saved for the same loss.")),
    (N_("lr"), N_("Learning rate: how far a step moves the weights. Too high diverges, too low wastes compute.")),
    (N_("batch"), N_("Tokens that one step of the optimizer learns from.")),
    (N_("warmup"), N_("Tokens at the start over which the learning rate rises to its peak.")),
    (N_("decay"), N_("The fall of the learning rate to zero at the end, which lowers the loss once more.")),
    (N_("beta2"), N_("How long AdamW, the optimizer, remembers the size of past gradients.")),
    (N_("law, fit"), N_("A published or own scaling law that is stored here; the plan follows one of them.")),
    (N_("calibration"), N_("Small models trained on your own data and device, to which the laws are fitted.")),
)  # fmt: skip


def words() -> tuple[tuple[str, str], ...]:
    """Return the words and what each means, one sentence or two."""
    return tuple((_(word), _(meaning)) for word, meaning in _WORDS)
