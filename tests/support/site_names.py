"""The nodes of a graph that is not there: names found by a dictionary."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sitegraph.hosts import domain_of, reverse
from sitegraph.sites.preferences import Sites


class Names:
    """Names of a level, found by a dictionary."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = sorted(reverse(name) for name in names)
        self.ids = {name: i for i, name in enumerate(self.names)}

    def find(self, names: Sequence[str], /) -> NDArray[np.int64]:
        """Return the ids of reversed names."""
        return np.array([self.ids.get(name, -1) for name in names], np.int64)


def sites_of(hosts: Sequence[str]) -> Sites:
    """Return the nodes of a graph of these hosts."""
    at_hosts, at_domains = Names(hosts), Names(list({domain_of(host) for host in hosts}))
    domain = [at_domains.ids[reverse(domain_of(reverse(name)))] for name in at_hosts.names]
    return Sites(at_hosts, at_domains, np.array(domain, np.int32))
