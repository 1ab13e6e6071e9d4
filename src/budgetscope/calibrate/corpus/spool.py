"""Deduplicated documents in a scratch file, in a reproducible random order."""

import hashlib
import mmap
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from budgetscope.calibrate.corpus.disk import writing


def held_out(total: int, enough: int, most: int) -> int:
    """Return how much of `total` to hold out: 2%, but at least the lower of `enough` and 5%, and at most `most`."""
    return min(most, max(total // 50, min(total // 20, enough)))


class Spool:
    """Distinct documents in a scratch file, in the order of their hashes.

    This shuffles the documents in a way that depends only on their content, not on the order of the files or a seed.
    Any prefix is an unbiased sample; the first documents serve as validation.

    Args:
        path: of the scratch file.
        documents: texts; blank ones are dropped, and so are those that equal an earlier one up to white space.
        before: spools of earlier sources, whose documents count as earlier ones.

    Attributes:
        path: of the scratch file.
        keys: hashes of its distinct documents.
        n_documents: number of distinct documents.
        n_duplicates: number of dropped ones.
        n_shared: number of those that each spool of `before` has.
        n_bytes: UTF-8 bytes of the distinct ones.

    Raises:
        FailureError: the disk is full.
    """

    def __init__(self, path: Path, documents: Iterable[str], before: Sequence["Spool"] = ()) -> None:
        self.path = path
        self.n_duplicates, self.n_shared = 0, [0] * len(before)
        self.keys: set[bytes] = set()
        keys, sizes = bytearray(), array("q")
        with writing(path), path.open("wb") as file:
            for text in documents:
                words = text.split()
                if not words:
                    continue
                key = hashlib.blake2b(" ".join(words).encode("utf-8", "replace"), digest_size=8).digest()
                holder = next((k for k, other in enumerate(before) if key in other.keys), None)
                if holder is not None:
                    self.n_shared[holder] += 1
                if holder is not None or key in self.keys:
                    self.n_duplicates += 1
                    continue
                self.keys.add(key)
                raw = text.encode("utf-8", "replace")  # JSON can hold lone surrogates
                file.write(raw)
                keys += key
                sizes.append(len(raw))
        self._sizes = np.array(sizes, dtype=np.int64)
        self._starts = np.cumsum(self._sizes) - self._sizes
        self._order = np.argsort(np.frombuffer(keys, dtype=">u8"), kind="stable")
        self.n_documents = len(self._sizes)
        self.n_bytes = int(self._sizes.sum())

    def held_out(self, n_bytes: int) -> list[int]:
        """Return the documents to hold out: in order, those that fit into `n_bytes`; if none fits, the smallest."""
        chosen, left = [], n_bytes
        for document in self._order:
            size = int(self._sizes[document])
            if size <= left:
                chosen.append(int(document))
                left -= size
            if left < n_bytes // 100:
                break
        return chosen or [int(np.argmin(self._sizes))]

    def all_but(self, documents: Iterable[int]) -> list[int]:
        """Return the other documents, in order."""
        out = np.zeros(self.n_documents, dtype=bool)
        out[list(documents)] = True
        return [int(document) for document in self._order[~out[self._order]]]

    def size(self, documents: list[int]) -> int:
        """Return the total bytes of documents."""
        return int(self._sizes[documents].sum())

    def read(self, documents: Iterable[int]) -> Iterator[bytes]:
        """Yield documents, in UTF-8."""
        with self.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            for document in documents:
                start = int(self._starts[document])
                yield view[start : start + int(self._sizes[document])]

    def read_batches(self, documents: Iterable[int], n_bytes: int) -> Iterator[list[bytes]]:
        """Yield documents, in UTF-8, in lists of at least `n_bytes` each, except the last."""
        batch: list[bytes] = []
        size = 0
        for raw in self.read(documents):
            batch.append(raw)
            size += len(raw)
            if size >= n_bytes:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def first(self, documents: list[int], n_bytes: int) -> list[int]:
        """Return as many of the first documents as fit into `n_bytes`."""
        ends = np.cumsum(self._sizes[documents])
        return documents[: int(np.searchsorted(ends, n_bytes, side="right"))]
