"""Remote inputs as streams: ranges fetched block by block, retried with back-off, resumed at the byte reached.

A web crawl's archives are read over hours from servers that throttle (403, 429, 503), cut connections and stall.
Each request asks for one range and has a deadline; what it gave before it failed is kept, and the next request asks
for the rest. A retry waits exponentially longer, with jitter, and at least as long as Retry-After says. An ETag (or
Last-Modified) that changes between two blocks is an error, since the blocks would be of two different files.
"""

from corpus.remote.request import Known, RemoteSettings
from corpus.remote.s3 import list_s3
from corpus.remote.stream import RemoteStream, is_remote, open_remote, probe

__all__ = ["Known", "RemoteSettings", "RemoteStream", "is_remote", "list_s3", "open_remote", "probe"]
