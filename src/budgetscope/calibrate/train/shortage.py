"""What running out of memory looks like."""

import torch


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether memory ran out, or an error in capturing a graph followed from that."""
    while error is not None:
        if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError) or "out of memory" in str(error).lower():
            return True
        # The CPU's allocator and cuBLAS say it in words of their own.
        if "can't allocate memory" in str(error) or "ALLOC_FAILED" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
