"""The rounded hyperparameter rule of Porian et al. 2024, from which every calibration starts.

The same numbers ship as the fit `porian2024/rounded-rule`; a test compares the two. They are constants here because
cell ids hash the hyperparameters and must not depend on which fits are installed.
"""

from budgetscope.core.laws.forms import Monomial

# Source: `get_hparams` of their released code.
_UNIT = 108e6
LEARNING_RATE = Monomial(0.0047, n_params_exponent=-1 / 3, n_params_unit=_UNIT)
BATCH = Monomial(160, n_params_exponent=2 / 3, n_params_unit=_UNIT, scale=2048)
"""Tokens: 160 sequences of 2048 at 108e6 parameters."""
WARMUP_PARAMS = 1.0
"""Warmup tokens per parameter (section 3.3)."""
WEIGHT_DECAY = 1e-4
"""Independent weight decay of every run (appendix A)."""
