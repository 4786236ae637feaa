"""Are these the ids that the model expects? Asked before anything is read: a wrong answer would train on noise.

    tokenizer    the SHA-256 of its file decides which text an id stands for
    vocabulary   no id is beyond what the model has embeddings for
    boundary     which ids stand before and after a document, which the tokenizer's file does not say

What the settings do not name is not asked.
"""

from corpus.errors import ShardError
from corpus.reader.settings import ReaderSettings
from corpus.tokens.manifest import Manifest


def check_identity(manifest: Manifest, settings: ReaderSettings) -> None:
    """Raise ShardError when the shards hold other ids than the settings say the model expects."""
    tokenizer, boundary = manifest.root["tokenizer"], manifest.root["boundary"]
    wanted, found = settings.tokenizer, tokenizer["sha256"]
    if wanted is not None and wanted != found:
        raise ShardError(
            f"{manifest.place}: written with tokenizer {found[:12]}..., the model expects {wanted[:12]}...; "
            "tokenize again with the model's tokenizer"
        )
    if settings.vocabulary is not None and tokenizer["vocabulary"] > settings.vocabulary:
        raise ShardError(
            f"{manifest.place}: a vocabulary of {tokenizer['vocabulary']:,} ids, the model has {settings.vocabulary:,}"
            "; enlarge the model's embeddings, or tokenize again with its tokenizer"
        )
    for name, id_ in (settings.boundary or {}).items():
        if boundary[name] != id_:
            raise ShardError(
                f"{manifest.place}: documents have {name} = {boundary[name]}, the model expects {id_}; "
                "tokenize again with the model's boundary ids"
            )
