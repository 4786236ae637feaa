"""Public suffixes as a tree of labels, for kernels: where the registered domain ends in a reversed name.

In a reversed name (`com.example.blog`) the registered domain is the beginning, so the tree is walked label by label
from the left. Each node says whether the rules of the Public Suffix List have an end there. The algorithm is that
list's (publicsuffix.org/list, "Algorithm"), as publicsuffixlist has it: the longest rule wins, an exception before a
wildcard before a plain rule; a name that is the root of a wildcard (`kobe.jp` of `*.kobe.jp`) is a suffix; an unknown
top level domain is one. corpus.url.Suffixes says what a platform does differently.

Nodes are numbered level by level, so the children of a node follow one another, sorted by label. Names are bytes in
node form (hosts.py); nothing here checks that.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import kernel
from corpus.url import Suffixes, punycode

RULE, WILDCARD, EXCEPTION, LISTED = 1, 2, 4, 8
"""What ends at a node: a rule, a wildcard's root, an exception, the name of a platform."""
SUFFIX, PLATFORM, SETTLED = 1, 2, 4
"""What `domain_end` says beside the length: the domain is a suffix itself; it is a platform; every name below it has it
as its domain as well."""
LENGTH: Final = 3
"""The length stands above that many bits."""


class Tree(NamedTuple):
    """The tree: node i has the label pool[labels[i]:labels[i + 1]], the children children[i] to children[i + 1]."""

    pool: NDArray[np.uint8]
    labels: NDArray[np.int32]
    children: NDArray[np.int32]
    marks: NDArray[np.uint8]


class _Node:
    __slots__ = ("below", "mark")

    def __init__(self) -> None:
        self.below: dict[bytes, _Node] = {}
        self.mark = 0


@lru_cache(maxsize=16)
def suffix_tree(suffixes: Suffixes) -> Tree:
    """Return the tree of suffixes."""
    root = _Node()
    for rule in suffixes.rules:
        kind = EXCEPTION if rule.startswith("!") else WILDCARD if rule.startswith("*.") else RULE
        _put(root, rule.removeprefix("!").removeprefix("*."), kind)
    for name in suffixes.platforms:
        _put(root, name, RULE | LISTED)
    return _numbered(root)


def _put(root: _Node, name: str, mark: int) -> None:
    node = root
    for label in reversed((name if name.isascii() else punycode(name)).lower().encode().split(b".")):
        node = node.below.setdefault(label, _Node())
    node.mark |= mark


def _numbered(root: _Node) -> Tree:
    nodes: list[tuple[bytes, _Node]] = [(b"", root)]
    children = [1]
    for _, node in nodes:  # grows while it is read: level by level
        nodes += sorted(node.below.items(), key=lambda child: child[0])
        children.append(len(nodes))
    return Tree(
        pool=np.frombuffer(b"".join(label for label, _ in nodes) + b"\0", np.uint8),
        labels=np.cumsum([0, *(len(label) for label, _ in nodes)], dtype=np.int32),
        children=np.array(children, np.int32),
        marks=np.array([node.mark for _, node in nodes], np.uint8),
    )


@kernel
def child_of(tree: Any, node: int, data: Any, start: int, stop: int) -> int:
    """Return the child of a node that has the label data[start:stop], or -1."""
    low, high = tree.children[node], tree.children[node + 1]
    while low < high:
        middle = (low + high) // 2
        at, end = tree.labels[middle], tree.labels[middle + 1]
        i = start
        while i < stop and at < end and data[i] == tree.pool[at]:
            i += 1
            at += 1
        if i == stop and at == end:
            return int(middle)
        if i == stop or (at < end and data[i] < tree.pool[at]):
            high = middle
        else:
            low = middle + 1
    return -1


@kernel
def label_end(data: Any, start: int, stop: int) -> int:
    """Return the end of the label that starts at data[start]."""
    while start < stop and data[start] != 46:
        start += 1
    return start


@kernel
def domain_end(tree: Any, data: Any, start: int, stop: int) -> int:
    """Return the length of the registered domain of the reversed name data[start:stop], and flags, in one number.

    A name that has none (it is a suffix) stands for itself, as does a platform, also for the names below its `www`.
    """
    node, at, seen = 0, start, start
    suffix, platform, deepest = label_end(data, start, stop), False, False
    while not deepest:
        end = label_end(data, at, stop)
        node = child_of(tree, node, data, at, end)
        seen = end
        if node < 0:
            deepest = True
            break
        mark = tree.marks[node]
        if mark & EXCEPTION:
            suffix, platform = max(at - 1, start), False
        elif mark & WILDCARD and end < stop:
            suffix, platform = label_end(data, end + 1, stop), False
        elif mark & (RULE | WILDCARD):
            suffix, platform = end, mark & LISTED != 0
        deepest = tree.children[node] == tree.children[node + 1]
        if end == stop:
            break
        at = end + 1
    if suffix == stop:
        return ((stop - start) << LENGTH) | SUFFIX | (PLATFORM if platform else 0)
    end = label_end(data, suffix + 1, stop)
    if platform and end - suffix == 4 and data[suffix + 1] == data[suffix + 2] == data[suffix + 3] == 119:
        return ((suffix - start) << LENGTH) | SUFFIX | PLATFORM
    return ((end - start) << LENGTH) | (SETTLED if deepest and seen <= end else 0)
