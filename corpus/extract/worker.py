"""The page worker: the process that parses pages, and that may die of one (`python -m corpus.extract.worker`).

It reads frames from standard input and writes frames to standard output (see frames.py). Before each page it arms a
timer of CPU time whose signal ends the process in the kernel, so even a loop inside a C library ends, and a busy
machine does not change what ends. Memory is limited by the kernel as well. Links go out before the text is extracted.
When the parent is gone, standard input ends and so does the worker.
"""

import contextlib
import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, BinaryIO, Final

from corpus.document import Drop
from corpus.errors import HeadwaterError
from corpus.extract import frames
from corpus.extract.extractors import Extractor, ExtractSettings, Gates, forget, make_extractor
from corpus.extract.page import Headers, parse_page
from corpus.url import Url

FORGET_EVERY: Final = 200
"""Pages after which caches that grow over pages are emptied."""


def main() -> None:
    """Serve pages until standard input ends."""
    source, sink = claim_streams()
    first = frames.read_frame(source)
    if first is None:
        return
    settings = first[1]
    logging.disable(logging.CRITICAL)
    extractor = make_extractor(extract_settings(settings["extract"]))
    limit_memory(settings["memory"])
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    send(sink, frames.pack(frames.READY))
    with contextlib.suppress(BrokenPipeError):
        serve(source, sink, extractor, settings["timeout"])


def claim_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return the streams of frames, and point standard output elsewhere, so that no library can print into them."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return source, sink


def extract_settings(values: Mapping[str, Any]) -> ExtractSettings:
    """Return settings from their JSON form."""
    gates = dict(values["gates"])
    if gates["languages"] is not None:
        gates["languages"] = tuple(gates["languages"])
    return ExtractSettings(extractor=values["extractor"], gates=Gates(**gates))


def limit_memory(size: int) -> None:
    """Let the kernel refuse memory beyond `size` bytes of address space, and write no core files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, ValueError):  # some systems know no such limit; the other limits remain
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def serve(source: BinaryIO, sink: BinaryIO, extractor: Extractor, timeout: float) -> None:
    """Answer each page with begun, facts, and then text or drop."""
    done = 0
    while (frame := frames.read_frame(source)) is not None:
        signal.setitimer(signal.ITIMER_PROF, timeout)
        send(sink, frames.pack(frames.BEGUN))
        try:
            answer(sink, frame[1], frame[2], extractor)
        except MemoryError:
            send(sink, frames.pack(frames.DROP, {"reason": "oversize", "detail": "more memory than the limit"}))
            return  # a fresh process has fresh memory
        except BrokenPipeError:
            raise
        except Exception as error:  # whatever a parser raises on hostile input is this page's end, not the file's
            detail = f"{type(error).__name__}: {error}"[:200]
            send(sink, frames.pack(frames.DROP, {"reason": "crash", "detail": detail}))
        signal.setitimer(signal.ITIMER_PROF, 0)
        done += 1
        if done % FORGET_EVERY == 0:
            del frame
            forget()
            gc.collect()


def answer(sink: BinaryIO, header: Mapping[str, Any], body: bytes, extractor: Extractor) -> None:
    """Send what one page says and its text."""
    page = parse_page(body, url=Url(header["url"], header["host"]), headers=Headers(**header["headers"]))
    send(sink, frames.pack(frames.FACTS, asdict(page.facts)))
    found = extractor(page)
    if isinstance(found, Drop):
        send(sink, frames.pack(frames.DROP, asdict(found)))
    elif found:
        send(sink, frames.pack(frames.TEXT, payload=found.encode("utf-8", "replace")))
    else:
        send(sink, frames.pack(frames.DROP, {"reason": "empty", "detail": "no main text"}))


def send(sink: BinaryIO, data: bytes) -> None:
    """Write a frame at once."""
    sink.write(data)
    sink.flush()


if __name__ == "__main__":
    try:
        main()
    except HeadwaterError as wrong:
        sys.exit(str(wrong))
