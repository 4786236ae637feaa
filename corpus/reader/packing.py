"""Packing: how the documents of a window fill sequences of S tokens.

    concat     one after another; a document that does not end with its sequence goes on in the next one
    best_fit   each whole document goes where it leaves the least room; a longer one is cut into pieces of S first
    pad        one document to a sequence; what is longer is split, cut short or dropped, as asked

best_fit has as many sequences as the tokens of its window fill, so that the plan knows how many without having seen a
length. Longest first, a piece goes into the sequence with the least room that holds it, or into a new one while there
are some left; the few that find no room are split over the room that is left, which is enough for all of them. So
padding is less than one sequence in a window, and hardly a document is cut that would fit (Ding et al., "Fewer
Truncations Improve Language Modeling", 2024, arXiv 2404.10830, from where best-fit-decreasing is; there the number of
sequences is what it turns out to be).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus.reader.settings import TooLong

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Packed:
    """Pieces of documents, a place in each array: document, first token in it, tokens, and number of the sequence.

    Pieces of a sequence are in order; sequences need not be.
    """

    document: Ints
    first: Ints
    tokens: Ints
    sequence: Ints


def best_fit(lengths: Ints, length: int, count: int) -> Packed:
    """Pack documents of `lengths` tokens into `count` sequences of `length`, which hold them all."""
    whole, rest = np.divmod(lengths, length)
    document, number = in_parts(whole)
    full = np.column_stack([document, number * length, np.full_like(document, length), np.arange(len(document))])
    some = np.flatnonzero(rest)
    some = some[np.argsort(-rest[some], kind="stable")]  # equal ones in the order of the window
    rests = np.column_stack([some, whole[some] * length, rest[some]])
    places, by_room = placed(rest[some].tolist(), length, len(full), count)
    found = np.column_stack([rests, places])[places >= 0]
    return Packed(*np.concatenate([full, found, split_over(rests[places < 0].tolist(), by_room)]).T)


def in_parts(counts: Ints) -> tuple[Ints, Ints]:
    """Return, for so many parts of each document in turn, the document of each part and its number there."""
    of = np.repeat(np.arange(len(counts)), counts)
    return of, np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)


def placed(sizes: Sequence[int], length: int, used: int, count: int) -> tuple[Ints, list[list[int]]]:
    """Return the sequence of each piece, -1 where there is no room, and all sequences by what room is left in them.

    Sequences before `used` are full. The least room that is enough is found in a bitmap of the rooms that there are.
    """
    by_room: list[list[int]] = [[] for _ in range(length + 1)]
    rooms, places = 0, []
    for size in sizes:
        if enough := rooms >> size:
            room = size + (enough & -enough).bit_length() - 1
            sequence = by_room[room].pop()
            if not by_room[room]:
                rooms ^= 1 << room
        elif used < count:
            sequence, room, used = used, length, used + 1
        else:
            places.append(-1)
            continue
        places.append(sequence)
        if room > size:
            by_room[room - size].append(sequence)
            rooms |= 1 << room - size
    by_room[length] += range(used, count)
    return np.array(places, np.int64), by_room


def split_over(pieces: Sequence[Sequence[int]], by_room: list[list[int]]) -> Ints:
    """Split pieces (document, first token, tokens) over what room there is, the largest first.

    Return rows of (document, first token, tokens, sequence).
    """
    found, room = [], len(by_room) - 1
    for document, first, tokens in pieces:
        done = 0
        while done < tokens:
            while not by_room[room]:
                room -= 1
            sequence, some = by_room[room].pop(), min(room, tokens - done)
            found.append((document, first + done, some, sequence))
            if room > some:
                by_room[room - some].append(sequence)
            done += some
    return np.array(found, np.int64).reshape(-1, 4)


def pad(lengths: Ints, length: int, too_long: TooLong) -> Packed:
    """Give each document sequences of its own."""
    document, number = in_parts(sequences_of(lengths, length, too_long))
    first = number * length
    return Packed(document, first, np.minimum(length, lengths[document] - first), np.arange(len(document)))


def sequences_of(lengths: Ints, length: int, too_long: TooLong) -> Ints:
    """Return how many sequences pad makes of each document."""
    if too_long == "split":
        return -(-lengths // length)
    return (lengths <= length).astype(np.int64) if too_long == "drop" else np.ones(len(lengths), np.int64)
