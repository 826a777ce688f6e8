"""Work beside the reading of a stream, in threads: reading ahead, hashing, and keeping.

What a thread raises is raised where its work is used.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")

_QUEUED = 4  # chunks that one thread may be ahead of another


class BackgroundHash:
    """Hashes contents in a thread of its own while the caller goes on.

    :mod:`hashlib` releases the interpreter for large buffers, so a layer's digest and those
    of its large files are computed beside the reading. Use as a context manager: states are
    final once it has been left, which raises what the thread did.
    """

    def __init__(self) -> None:
        self._queue: queue.Queue[tuple[hashlib._Hash, bytes | memoryview] | None]
        self._queue = queue.Queue(maxsize=_QUEUED)
        self._thread = threading.Thread(target=self._work, name="hash", daemon=True)
        self._error: BaseException | None = None

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            state, content = job
            try:
                state.update(content)
            except BaseException as error:  # the caller goes on until it asks
                self._error = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def update(self, state: hashlib._Hash, content: bytes | memoryview) -> None:
        """Take content into a state, after all that was given before."""
        self._queue.put((state, content))

    def watch(
        self, state: hashlib._Hash, chunks: Iterable[bytes | memoryview]
    ) -> Iterator[bytes | memoryview]:
        """The same chunks, which the state takes in on their way."""
        for chunk in chunks:
            self.update(state, chunk)
            yield chunk

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._queue.put(None)
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error


@contextmanager
def beside(function: Callable[[T], None]) -> Iterator[Callable[[T], None]]:
    """A function that is called in a thread of its own, while the caller goes on.

    A call waits for the one before. All has been done once the block is left. What a call raises
    is raised by the next one, or then.
    """
    doing: Future[None] | None = None

    def call(argument: T) -> None:
        nonlocal doing
        before, doing = doing, None
        if before is not None:
            before.result()
        doing = thread.submit(function, argument)

    with ThreadPoolExecutor(1, "beside") as thread:
        yield call
    if doing is not None:
        doing.result()


def read_ahead(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, read by a thread of its own while the caller looks at earlier ones.

    What the thread raises is raised here. A caller that stops early leaves the thread to
    end with the read that it is in.
    """
    ahead: queue.Queue[bytes | BaseException | None] = queue.Queue(maxsize=_QUEUED)
    stopped = threading.Event()

    def read() -> None:
        last: BaseException | None = None
        try:
            for chunk in chunks:
                ahead.put(chunk)
                if stopped.is_set():
                    return
        except BaseException as error:
            last = error
        ahead.put(last)

    threading.Thread(target=read, name="read-ahead", daemon=True).start()
    try:
        while isinstance(chunk := ahead.get(), bytes):
            yield chunk
        if chunk is not None:
            raise chunk
    finally:
        stopped.set()
        with suppress(queue.Empty):
            while True:
                ahead.get_nowait()
