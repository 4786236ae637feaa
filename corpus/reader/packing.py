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

from corpus.reader.settings import TooLong

Piece = tuple[int, int, int]
"""(document, first token in it, tokens)"""


@dataclass(frozen=True, slots=True)
class Packed:
    """Pieces by sequence, in order; tokens that were dropped."""

    sequences: list[list[Piece]]
    dropped: int = 0


def best_fit(lengths: Sequence[int], length: int, count: int) -> Packed:
    """Pack documents of `lengths` tokens into `count` sequences of `length`, which hold them all."""
    sequences: list[list[Piece]] = []
    rest: list[Piece] = []
    for document, size in enumerate(lengths):
        whole = size // length * length
        sequences += [[(document, at, length)] for at in range(0, whole, length)]
        if size > whole:
            rest.append((document, whole, size - whole))
    rest.sort(key=lambda piece: -piece[2])  # stable: equal ones in the order of the window
    room = Room(length)
    left: list[Piece] = []
    for piece in rest:
        at = room.least(piece[2])
        if at is None and len(sequences) < count:
            at = len(sequences)
            sequences.append([])
            room.put(at, length)
        if at is None:
            left.append(piece)
            continue
        sequences[at].append(piece)
        room.put(at, room.take(at) - piece[2])
    while len(sequences) < count:
        room.put(len(sequences), length)
        sequences.append([])
    split_over(left, sequences, room)
    return Packed(sequences)


class Room:
    """Sequences by the tokens they have room for; the least room that is enough is found in a bitmap."""

    def __init__(self, length: int) -> None:
        self._by_room: list[list[int]] = [[] for _ in range(length + 1)]
        self._room: dict[int, int] = {}
        self._some = 0

    def put(self, sequence: int, room: int) -> None:
        """Say how much room a sequence has."""
        self._room[sequence] = room
        if room:
            self._by_room[room].append(sequence)
            self._some |= 1 << room

    def take(self, sequence: int) -> int:
        """Take out the sequence that `least` or `most` just found; return its room."""
        room = self._room[sequence]
        self._by_room[room].pop()
        if not self._by_room[room]:
            self._some &= ~(1 << room)
        return room

    def least(self, tokens: int) -> int | None:
        """Return a sequence with the least room for so many tokens, None when there is none."""
        enough = self._some >> tokens
        if not enough:
            return None
        return self._by_room[tokens + (enough & -enough).bit_length() - 1][-1]

    def most(self) -> int:
        """Return a sequence with the most room."""
        return self._by_room[self._some.bit_length() - 1][-1]


def split_over(left: Sequence[Piece], sequences: list[list[Piece]], room: Room) -> None:
    """Split pieces over what room there is, the largest first."""
    for document, first, tokens in left:
        done = 0
        while done < tokens:
            at = room.most()
            here = room.take(at)
            some = min(here, tokens - done)
            sequences[at].append((document, first + done, some))
            room.put(at, here - some)
            done += some


def pad(lengths: Sequence[int], length: int, too_long: TooLong) -> Packed:
    """Give each document sequences of its own."""
    sequences: list[list[Piece]] = []
    dropped = 0
    for document, size in enumerate(lengths):
        if size > length and too_long == "drop":
            dropped += size
        elif size > length and too_long == "truncate":
            sequences.append([(document, 0, length)])
            dropped += size - length
        else:
            sequences += [[(document, at, min(length, size - at))] for at in range(0, size, length)]
    return Packed(sequences, dropped)


def sequences_of(size: int, length: int, too_long: TooLong) -> int:
    """Return how many sequences pad makes of a document."""
    if size <= length:
        return 1
    return {"split": -(-size // length), "truncate": 1, "drop": 0}[too_long]
