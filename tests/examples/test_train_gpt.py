"""The example trainer: killed and resumed it has the losses of a quiet run; no token attends across documents."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from token_roots import make_shards

from corpus.reader import ReaderSettings, TokenReader
from corpus.reader.batch import IGNORED
from corpus.report.trace_step import trace_step

pytestmark = pytest.mark.train

REPOSITORY = Path(__file__).resolve().parent.parent.parent
SETTINGS = ReaderSettings(sequence_length=96, batch_size=4, packing="best_fit", seed=3)
STEPS, EVERY = 30, 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shards(tmp_path_factory.mktemp("train"), count=200)


@pytest.fixture(scope="module")
def gpt() -> ModuleType:
    pytest.importorskip("torch", reason="needs the extra `train`")
    from examples import train_gpt  # noqa: PLC0415 - imports torch

    return train_gpt


def command(folder: Path, out: Path, *more: str) -> list[str]:
    size = ["--layers", "2", "--heads", "2", "--width", "32", "--sequence-length", "96", "--batch-size", "4"]
    run = ["--steps", str(STEPS), "--checkpoint-every", str(EVERY), "--warmup", "5", "--dropout", "0.1"]
    script = str(REPOSITORY / "examples" / "train_gpt.py")
    return [sys.executable, script, str(folder), "--out", str(out), "--device", "cpu", *size, *run, *more]


def logged(out: Path) -> list[dict[str, Any]]:
    """Return the lines of a log that are whole."""
    path = out / "log.jsonl"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def killed(command: list[str], out: Path, step: int) -> int:
    """Run, kill with SIGKILL as soon as the log has a line for `step`, and return the exit code."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as run:
        while run.poll() is None and not any(line["step"] >= step for line in logged(out)):
            time.sleep(0.005)
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
    return run.returncode


def test_a_killed_run_goes_on_with_the_losses_of_a_quiet_one(gpt: ModuleType, folder: Path, tmp_path: Path) -> None:
    """Killed before its first checkpoint, and again after two; dropout, so that random state matters; to the bit."""
    subprocess.run(command(folder, tmp_path / "quiet"), check=True, stdout=subprocess.DEVNULL)
    quiet = logged(tmp_path / "quiet")
    assert [line["step"] for line in quiet] == list(range(STEPS))
    assert quiet[-1]["loss"] < quiet[0]["loss"]
    assert all(0 <= line["waiting"] <= 1 and line["tokens_per_s"] > 0 for line in quiet)
    stopped = tmp_path / "stopped"
    for step in (1, 2 * EVERY + 2):
        assert killed(command(folder, stopped), stopped, step) == -signal.SIGKILL
    subprocess.run(command(folder, stopped), check=True, stdout=subprocess.DEVNULL)
    assert [(line["step"], line["loss"]) for line in logged(stopped)] == [(n["step"], n["loss"]) for n in quiet]
    assert sorted(path.name for path in stopped.iterdir()) == ["checkpoint.pt", "log.jsonl", "reader.json"]
    batch = next(iter(TokenReader(folder, replace(SETTINGS, seed=1))))
    told = trace_step(folder, stopped / "reader.json", 0)["sequences"]
    assert sum(document["tokens"] for one in told for document in one["documents"]) == batch["num_real_tokens"]


def test_a_checkpoint_of_other_options_is_refused(gpt: ModuleType, folder: Path, tmp_path: Path) -> None:
    """One sentence that names the option, not a run that goes on with another schedule."""
    options = command(folder, tmp_path, "--steps", "2")
    gpt.Run(gpt.parsed(options[2:])).train()
    with pytest.raises(ValueError, match=r"--warmup = '6' is not valid; .* was made with 5"):
        gpt.Run(gpt.parsed([*options[2:], "--warmup", "6"])).train()


def tensors(batch: dict[str, Any]) -> dict[str, Any]:
    import torch  # noqa: PLC0415 - optional extra

    plain = {k: v for k, v in batch.items() if isinstance(v, np.ndarray) and v.dtype.names is None}
    return batch | {name: torch.from_numpy(value.copy()) for name, value in plain.items()}


def model_of(gpt: ModuleType) -> Any:
    """Return a model whose logits are not near zero, so that a change of its input shows."""
    import torch  # noqa: PLC0415 - optional extra

    torch.manual_seed(1)
    model = gpt.GPT(gpt.Size(vocabulary=448, layers=3, heads=4, width=64)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(5 if weight.dim() == 2 else 1)
    return model


def by_hand(q: Any, k: Any, v: Any, cu_seqlens: Any, longest: int) -> Any:
    """Attention over the flat batch as the formula has it, segment by segment: softmax(q k / sqrt d) v, causal."""
    import torch  # noqa: PLC0415 - optional extra

    out = torch.empty_like(v)
    for begin, end in zip(cu_seqlens[:-1].tolist(), cu_seqlens[1:].tolist(), strict=True):
        assert end - begin <= longest
        scores = torch.einsum("ihd,jhd->hij", q[begin:end], k[begin:end]) / q.shape[-1] ** 0.5
        scores = scores + torch.full(scores.shape[1:], -torch.inf).triu(1)
        out[begin:end] = torch.einsum("hij,jhd->ihd", scores.softmax(-1), v[begin:end])
    return out


def logits_of(gpt: ModuleType, model: Any, batch: dict[str, Any], kernel: Any = None) -> Any:
    import torch  # noqa: PLC0415 - optional extra

    with torch.no_grad():
        return model(batch["input_ids"], batch["position_ids"], gpt.attention_of(batch, kernel))


@pytest.mark.parametrize("flat", [False, True], ids=["mask", "lengths"])
def test_no_token_attends_to_another_document(gpt: ModuleType, folder: Path, flat: bool) -> None:
    """Other tokens in all other documents leave the logits of each document as they were, to 1e-5 in fp32."""
    model, kernel = model_of(gpt), by_hand if flat else None
    batch = tensors(TokenReader(folder, SETTINGS).batch_at(2))
    before = logits_of(gpt, model, batch, kernel)
    assert int(batch["segment_ids"].max()) >= 3
    for segment in range(1, int(batch["segment_ids"].max()) + 1):
        here = batch["segment_ids"] == segment
        ids = batch["input_ids"].where(here, (batch["input_ids"] + 17) % 400)
        after = logits_of(gpt, model, batch | {"input_ids": ids}, kernel)
        assert float((after - before)[here].abs().max()) <= 1e-5
        assert float((after - before)[~here].abs().max()) > 0.1


def test_no_token_attends_to_another_document_on_a_gpu(gpt: ModuleType, folder: Path) -> None:
    """The same by the variable-length kernel of the device, in bfloat16."""
    import torch  # noqa: PLC0415 - optional extra

    if not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    name, kernel = gpt.varlen_kernel(torch.device("cuda"))
    if kernel is None:
        pytest.skip("this torch has no variable-length attention, and flash_attn is not installed")
    model = model_of(gpt).cuda()
    host = tensors(TokenReader(folder, SETTINGS).batch_at(2))
    batch = {k: v.cuda() if isinstance(v, torch.Tensor) else v for k, v in host.items()}
    with torch.autocast("cuda", torch.bfloat16):
        before = logits_of(gpt, model, batch, kernel)
        for segment in range(1, int(batch["segment_ids"].max()) + 1):
            here = batch["segment_ids"] == segment
            ids = batch["input_ids"].where(here, (batch["input_ids"] + 17) % 400)
            apart = logits_of(gpt, model, batch | {"input_ids": ids}, kernel) - before
            assert float(apart[here].abs().max()) <= 1e-5, name
            assert float(apart[~here].abs().max()) > 0.1


def test_without_a_mask_neighbours_are_seen(gpt: ModuleType, folder: Path) -> None:
    """The control of the test above: as one segment, the last document's logits change with the first one's tokens."""
    model = model_of(gpt)
    batch = tensors(TokenReader(folder, replace(SETTINGS, packing="concat", mask=False)).batch_at(2))
    ids = batch["input_ids"].clone()
    ids[:, :8] = (ids[:, :8] + 17) % 400
    changed = logits_of(gpt, model, batch | {"input_ids": ids}) - logits_of(gpt, model, batch)
    assert float(changed[:, -8:].abs().max()) > 0.1


def test_attention_by_mask_and_by_lengths_are_the_same(gpt: ModuleType, folder: Path) -> None:
    """segment_ids as a mask and cu_seqlens as lengths say the same: equal logits wherever there is a token."""
    model = model_of(gpt)
    for packing in ("concat", "best_fit", "pad"):
        batch = tensors(TokenReader(folder, replace(SETTINGS, packing=packing)).batch_at(1))
        apart = logits_of(gpt, model, batch) - logits_of(gpt, model, batch, by_hand)
        assert float(apart[batch["segment_ids"] > 0].abs().max()) <= 1e-5


def test_eos_keeps_its_loss_when_it_fills_up_too(gpt: ModuleType, folder: Path) -> None:
    """The loss is that of any other filler; each document's end, EOS, has a label although it is the padding's id."""
    import torch  # noqa: PLC0415 - optional extra

    model = model_of(gpt)
    reader = TokenReader(folder, replace(SETTINGS, packing="pad"))
    eos = reader.manifest.root["boundary"]["eos"]
    batch = reader.batch_at(1)
    filled = TokenReader(folder, replace(SETTINGS, packing="pad", pad_id=eos)).batch_at(1)
    other = TokenReader(folder, replace(SETTINGS, packing="pad", pad_id=eos + 1)).batch_at(1)
    assert batch["num_real_tokens"] < batch["input_ids"].size
    ends = (filled["labels"] == eos).sum()
    assert ends == (other["labels"] == eos).sum() > 0
    assert (filled["labels"] != IGNORED).sum() == filled["loss_mask"].sum()
    with torch.no_grad():
        losses = [float(gpt.loss_of(model, tensors(one), None)) for one in (filled, other)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_the_rate_goes_up_and_down(gpt: ModuleType) -> None:
    """By hand: a half after half of the warm-up, the highest at its end, 0.55 of it half-way down, a tenth at last."""
    rates = [gpt.rate_at(step, 30, 10, 1.0) for step in (4, 9, 10, 20, 30)]
    assert rates == pytest.approx([0.5, 1.0, 1.0, 0.55, 0.1])
