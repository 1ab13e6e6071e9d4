"""The text that a calibration trains on: read, deduplicated, split, tokenized once and memory-mapped."""

from budgetscope.calibrate.corpus.model import Corpus, Progress, open_tokens
from budgetscope.calibrate.corpus.prepare import prepare
from budgetscope.calibrate.corpus.sources import FINEWEB_EDU_SAMPLE
from budgetscope.calibrate.corpus.tokenizer import DEFAULT_VOCAB_SIZE

__all__ = ["DEFAULT_VOCAB_SIZE", "FINEWEB_EDU_SAMPLE", "Corpus", "Progress", "open_tokens", "prepare"]
