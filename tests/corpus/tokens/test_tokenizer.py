"""Tokenizers: plain text stays plain, the fast path gives the same ids, identity and boundaries are explicit."""

import functools
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import InputError, MissingError, SettingError
from corpus.tokens import tokenizer as module
from corpus.tokens.ranks import ConversionError, convert
from corpus.tokens.tokenizer import GOLDEN, Tokenizer, TokenizerSettings, load_tokenizer
from corpus.tokens.train import train_tokenizer

TEXTS = [
    *GOLDEN,
    "the cat and the hat  and   the\n\nmat",
    "наша кошка и наша шапка",
    "हिन्दी में हिन्दी",
    "don't won't can't",
]


@pytest.fixture(scope="module")
def serialized() -> bytes:
    return train_tokenizer(TEXTS * 3, 600, ["<|endoftext|>", "<s>"])


def make(serialized: bytes, *, fast: bool = True) -> Tokenizer:
    return Tokenizer(TokenizerSettings(source="tokenizer.json", eos="<|endoftext|>", fast=fast), serialized)


@pytest.fixture(scope="module")
def pair(serialized: bytes) -> tuple[Tokenizer, Tokenizer]:
    return make(serialized), make(serialized, fast=False)


def same(pair: tuple[Tokenizer, Tokenizer], texts: list[str]) -> bool:
    fast, slow = (t.encode_batch(texts) for t in pair)
    return all(a.dtype == b.dtype == np.uint32 and a.tolist() == b.tolist() for a, b in zip(fast, slow, strict=True))


def test_a_trained_byte_level_bpe_takes_the_fast_path(pair: tuple[Tokenizer, Tokenizer]) -> None:
    """A byte-level BPE passes every check, and the other tokenizer of these tests really is the slow one."""
    assert pair[0].slow_reason is None
    assert pair[1].slow_reason == "switched off"


CHARACTERS = st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("the cat\n\r\t \u00a0\u2028'sтшहि्"))


@given(st.lists(st.text(CHARACTERS, max_size=200), max_size=4))
@settings(max_examples=300, deadline=None)
def test_fast_and_slow_path_give_the_same_ids(pair: tuple[Tokenizer, Tokenizer], texts: list[str]) -> None:
    """On any text, assigned characters or not, both paths give the same ids."""
    assert same(pair, texts)


@given(
    st.lists(
        st.sampled_from(["the", " the", "cat", "and", "  ", "\n", "<s>", "<|endoftext|>", "'s", "हि"]), max_size=60
    )
)
@settings(max_examples=200, deadline=None)
def test_merges_across_words_give_the_same_ids(pair: tuple[Tokenizer, Tokenizer], words: list[str]) -> None:
    """Text that is dense in merges and in special-looking spellings gives the same ids on both paths."""
    assert same(pair, ["".join(words)])


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


@pytest.mark.parametrize(
    "change",
    [{"pre_tokenizer": BYTE_LEVEL}, {"normalizer": {"type": "NFC"}}, {"post_processor": BYTE_LEVEL}],
    ids=["gpt2 pattern", "nfc", "post-processor"],
)
@given(texts=st.lists(st.text(CHARACTERS, max_size=60), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_variants_of_byte_level_bpe_give_the_same_ids(
    serialized: bytes, change: dict[str, object], texts: list[str]
) -> None:
    """GPT-2's own pattern, an NFC normalizer and a post-processor keep the fast path, with equal ids."""
    spec = json.dumps(json.loads(serialized) | change).encode()
    pair = made(spec)
    assert pair[0].slow_reason is None
    assert same(pair, [*texts, "e\u0301a\u0323\u0302", *GOLDEN])


@functools.cache
def made(spec: bytes) -> tuple[Tokenizer, Tokenizer]:
    return make(spec), make(spec, fast=False)


def test_merges_written_as_strings_are_understood(serialized: bytes) -> None:
    """Older files write a merge as one string with a space; the ranks are the same."""
    spec = json.loads(serialized)
    spec["model"]["merges"] = [" ".join(pair) for pair in spec["model"]["merges"]]
    ids = convert(spec).encode(["the cat and the hat"])[0]
    assert ids is not None
    assert ids.tolist() == make(serialized).encode_batch(["the cat and the hat"])[0].tolist()


@pytest.mark.parametrize("path", [0, 1], ids=["fast", "slow"])
def test_special_tokens_spelled_in_a_document_are_text(pair: tuple[Tokenizer, Tokenizer], path: int) -> None:
    """A page that spells a special token never yields its id, and decodes to what the page said."""
    tokenizer = pair[path]
    text = "a <|endoftext|> b <s>"
    ids = tokenizer.encode_batch([text])[0]
    assert not set(ids.tolist()) & set(tokenizer.identity.special.values())
    assert tokenizer.decode(ids.tolist()) == text


ENDLESS = [
    *(" " * 1_000_000, "a" * 300_000, "\n" * 100_000, "中" * 100_000, "x " * 100_000, "a'" * 50_000, " \n" * 50_000),
    *("x" * 1_024, "x" * 1_025, "e\u0301" * 2_000, "A1 " * 2_000 + "é" * 2_000),
]


@pytest.mark.parametrize("text", ENDLESS, ids=range(len(ENDLESS)))
def test_endless_runs_neither_crash_nor_differ(pair: tuple[Tokenizer, Tokenizer], text: str) -> None:
    """Long runs of one kind, and of alternating kinds, give the ids of the slow path."""
    assert same(pair, [text, "the cat"])


def test_only_what_the_kernel_gives_up_leaves_the_fast_path(serialized: bytes) -> None:
    """Pieces over 1,024 bytes, surrogates and planes without assigned characters are given back; all else is not."""
    fast = convert(json.loads(serialized))
    texts = {"a" * 1_024: True, "a" * 1_025: False, "b \ud800": False, "": True, "\u0378 unassigned": True, "😀": True}
    texts |= {"\U00080000": False, "\U00020000": True, "b " + "中" * 342: False, "b " + "中" * 341: True}
    assert [ids is not None for ids in fast.encode(list(texts))] == list(texts.values())


def test_an_added_token_that_is_not_special_leaves_the_fast_path(serialized: bytes) -> None:
    """Ordinary added tokens are matched in text by the library, so texts that spell one go the slow way, equal."""
    spec = json.loads(serialized)
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    spec["added_tokens"].append({"id": 600, "content": "catcat"} | flags)
    changed = json.dumps(spec).encode()
    pair = make(changed), make(changed, fast=False)
    assert pair[0].slow_reason is None
    assert pair[0].vocabulary == 601
    assert same(pair, ["a catcat b", "a cat b"])
    assert 600 in pair[0].encode_batch(["a catcat b"])[0]


PLAIN = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": True, "special": False}


def test_an_added_token_is_found_in_its_normal_form_too(serialized: bytes) -> None:
    """The library normalizes what it looks for as well: a token out of form C is matched by text in form C."""
    spec = json.loads(serialized) | {"normalizer": {"type": "NFC"}}
    spec["added_tokens"].append({"id": 600, "content": "e\u0301x"} | PLAIN)
    pair = made(json.dumps(spec).encode())
    assert pair[0].slow_reason is None
    assert same(pair, ["a \u00e9x b", "a e\u0301x b", "a ex b"])
    assert 600 in pair[0].encode_batch(["a \u00e9x b"])[0]


@pytest.mark.parametrize(
    ("token", "text"), [("qqqq", "a\nqqqq"), ("\u0120qqqq", "a qqqq"), ("\u00c3\u00a9q", "\u00e9q")]
)
def test_a_vocabulary_that_is_looked_up_first_gives_its_special_tokens(
    serialized: bytes, token: str, text: str
) -> None:
    """With `ignore_merges` a piece is looked up before it is merged, and special tokens may be in the vocabulary."""
    spec = json.loads(serialized)
    spec["model"] |= {"ignore_merges": True, "vocab": spec["model"]["vocab"] | {token: 600}}
    spec["added_tokens"].append({"id": 600, "content": token} | PLAIN | {"special": True})
    pair = made(json.dumps(spec).encode())
    assert pair[0].slow_reason is None
    assert 600 in pair[1].encode_batch([text])[0]
    assert same(pair, [text, "a q b", "<|endoftext|>"])


def test_vocabularies_whose_merges_do_not_decide_alone_are_refused(serialized: bytes) -> None:
    """A token without a merge, one that two merges give, and a merge of unknown parts: neither is converted."""
    orphan = json.loads(serialized)
    orphan["model"]["vocab"]["qqqq"] = 9999
    with pytest.raises(ConversionError, match="not the product"):
        convert(orphan)
    twice = json.loads(serialized)
    left, right = next(pair for pair in twice["model"]["merges"] if len(pair[1]) == 2)
    twice["model"]["merges"].append([left + right[0], right[1]])
    twice["model"]["vocab"] |= {left + right[0]: 9998}
    with pytest.raises(ConversionError, match="two merges"):
        convert(twice)
    strange = json.loads(serialized)
    strange["model"]["merges"][0] = ["nowhere", "known"]
    with pytest.raises(ConversionError, match="names what is no token"):
        convert(strange)


def test_swapped_merges_give_the_ids_of_the_library(serialized: bytes) -> None:
    """The order of merges is what decides, not that of ids."""
    spec = json.loads(serialized)
    spec["model"]["merges"].reverse()
    kept = [m for m in spec["model"]["merges"] if all(len(part) == 1 for part in m)]
    vocab = {k: v for k, v in spec["model"]["vocab"].items() if len(k) == 1 or [k[0], k[1:]] in kept or v < 2}
    spec["model"] |= {"merges": kept, "vocab": vocab}
    pair = made(json.dumps(spec).encode())
    assert pair[0].slow_reason is None
    assert same(pair, [*TEXTS, "thethe andand catathe"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"normalizer": {"type": "Lowercase"}}, "normalizer"),
        ({"pre_tokenizer": {"type": "Whitespace"}}, "byte-level step"),
        ({"model": {"type": "Unigram"}}, "not BPE"),
    ],
)
def test_other_kinds_go_the_slow_way(serialized: bytes, change: dict[str, object], reason: str) -> None:
    """What is not byte-level BPE is refused with the reason."""
    with pytest.raises(ConversionError, match=reason):
        convert(json.loads(serialized) | change)


def test_boundary_ids_frame_a_document(serialized: bytes) -> None:
    """BOS by id and EOS by name stand around the ids; without settings nothing is added."""
    tokenizer = Tokenizer(TokenizerSettings(source="t.json", bos=1, eos="<|endoftext|>"), serialized)
    assert tokenizer.boundary.block() == {"bos": 1, "eos": 0, "bos_token": "<s>", "eos_token": "<|endoftext|>"}
    assert tokenizer.frame(np.array([7, 8], dtype=np.uint32)).tolist() == [1, 7, 8, 0]
    bare = Tokenizer(TokenizerSettings(source="t.json", eos=None), serialized)
    assert bare.frame(np.array([7], dtype=np.uint32)).tolist() == [7]


@pytest.mark.parametrize("token", ["<nothing>", 100_000])
def test_a_boundary_token_outside_the_vocabulary_is_refused(serialized: bytes, token: str | int) -> None:
    """An unknown EOS is refused with its value, at load."""
    with pytest.raises(SettingError, match="no such token"):
        Tokenizer(TokenizerSettings(source="t.json", eos=token), serialized)


def test_an_end_that_a_page_could_spell_is_refused(serialized: bytes) -> None:
    """Looked up before merging and cut as one piece, the end token would be made by any page that spells it."""
    spec = json.loads(serialized)
    spec["model"] |= {"ignore_merges": True, "vocab": spec["model"]["vocab"] | {"theend": 600}}
    spec["added_tokens"].append({"id": 600, "content": "theend"} | PLAIN | {"special": True})
    with pytest.raises(InputError, match=r"text that spells theend becomes the token itself \(id 600\)"):
        Tokenizer(TokenizerSettings(source="t", eos="theend"), json.dumps(spec).encode())


def test_identity_holds_hash_size_specials_and_golden_digests(tmp_path: Path, serialized: bytes) -> None:
    """The identity is what can be recomputed from the file alone, and does not name its folder."""
    path = tmp_path / "tokenizer.json"
    path.write_bytes(serialized)
    tokenizer = load_tokenizer(TokenizerSettings(source=str(path), eos=None))
    identity = tokenizer.identity
    assert identity.sha256 == hashlib.sha256(serialized).hexdigest()
    assert (identity.name, identity.revision, identity.vocabulary) == ("tokenizer.json", None, 600)
    assert identity.special == {"<|endoftext|>": 0, "<s>": 1}
    ids = tokenizer.encode_batch([GOLDEN[0]])[0]
    assert identity.golden[0] == hashlib.sha256(b"".join(i.to_bytes(4, "little") for i in ids.tolist())).hexdigest()
    assert tokenizer.dtype == np.uint16


def test_a_missing_or_wrong_file_is_one_sentence(tmp_path: Path) -> None:
    """No file, and a file that is no tokenizer, are told apart."""
    with pytest.raises(MissingError, match="no such tokenizer"):
        load_tokenizer(TokenizerSettings(source=str(tmp_path / "none.json"), eos=None))
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match=r"not a tokenizer\.json"):
        load_tokenizer(TokenizerSettings(source=str(tmp_path), eos=None))


def test_a_hub_name_that_cannot_be_fetched_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the hub client raises becomes one MissingError that says what to do."""

    class Offline:
        @staticmethod
        def from_pretrained(name: str, revision: str) -> None:
            raise OSError(f"cannot reach the hub for {name} at {revision}\nsecond line")

    monkeypatch.setattr(module.tokenizers, "Tokenizer", Offline)
    with pytest.raises(
        MissingError, match=r"'owner/name'.*did not give it \(cannot reach.*\); give the path"
    ) as caught:
        load_tokenizer(TokenizerSettings(source="owner/name", eos=None))
    assert "\n" not in str(caught.value)
