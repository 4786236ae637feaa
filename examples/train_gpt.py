"""Train a small GPT on token shards: one file in plain torch, from batches to checkpoints.

    make demo
    pip install 'headwater[train]'
    python examples/train_gpt.py demo/shards --out runs/first --steps 200

Documents are packed whole (best_fit) and kept apart: no token attends to another document's, positions begin anew in
each, and no loss is taken over a boundary. On CUDA that is variable-length attention from the reader's cu_seqlens,
where a kernel is there; elsewhere a mask made of segment_ids.

OUT holds `log.jsonl` (a line per step: loss, tokens per second, share of the time spent waiting for data),
`checkpoint.pt` (model, optimizer, random state and reader state, written beside its place and renamed) and
`reader.json` (what `corpus trace SHARDS --step N --reader OUT/reader.json` needs to name the documents of a step).
The same command goes on from the checkpoint; on a CPU with the losses, to the bit, of a run that was never stopped.

The model: RMSNorm before each half of a block, rotary positions (Su et al. 2021, arXiv 2104.09864), GELU, embeddings
shared by input and output. AdamW and a cosine schedule with warm-up, as in GPT-3 (Brown et al. 2020, arXiv 2005.14165).
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from corpus.errors import HeadwaterError, SettingError
from corpus.reader import ReaderSettings
from corpus.reader.settings_file import save_settings
from corpus.reader_torch import TokenDataset, torch_dataset
from corpus.settings import require
from corpus.storage import remove_leftovers, whole_file, write_text

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Attention of queries, keys and values (sequences, S, heads, width of a head), within documents and backward only."""
Kernel = Callable[[Tensor, Tensor, Tensor, Tensor, int], Tensor]
"""The same over the batch laid out flat (tokens, heads, width of a head), from cu_seqlens and the longest segment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The shape of a model; `dropout` is the share of a block's output that is left out while training."""

    vocabulary: int
    layers: int = 4
    heads: int = 4
    width: int = 128
    dropout: float = 0.0

    def __post_init__(self) -> None:
        require(self.width % (2 * self.heads) == 0, self, "width", "it must be a multiple of twice the number of heads")


def segment_mask(segments: Tensor) -> Tensor:
    """Return which places attend to which (sequences, 1, S, S): those of the same segment that are not later."""
    same = segments[:, :, None] == segments[:, None, :]
    return (same & torch.ones_like(same[0]).tril())[:, None]


def by_mask(mask: Tensor) -> Attend:
    """Return attention under a mask, on any device."""

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2)

    return attend


def by_lengths(kernel: Kernel, cu_seqlens: Tensor, longest: int) -> Attend:
    """Return attention over the segments that cu_seqlens cuts the batch into."""

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return kernel(q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1), cu_seqlens, longest).view_as(q)

    return attend


def varlen_kernel(device: torch.device) -> tuple[str, Kernel | None]:
    """Return the variable-length kernel for a device, torch's own or flash_attn's, and its name; None without one."""
    if device.type != "cuda":
        return "mask", None
    try:
        from torch.nn.attention.varlen import varlen_attn  # noqa: PLC0415 - newer than the oldest torch allowed

        if "window_size" in signature(varlen_attn).parameters:
            return "torch", lambda q, k, v, cu, n: varlen_attn(q, k, v, cu, cu, n, n, window_size=(-1, 0))
    except ImportError:
        pass
    try:
        from flash_attn import flash_attn_varlen_func  # noqa: PLC0415 - where it is installed

        return "flash_attn", lambda q, k, v, cu, n: flash_attn_varlen_func(q, k, v, cu, cu, n, n, causal=True)
    except ImportError:
        return "mask", None


def attention_of(batch: Mapping[str, Any], kernel: Kernel | None) -> Attend:
    """Return the attention within the documents of a batch."""
    if kernel is None:
        return by_mask(segment_mask(batch["segment_ids"]))
    return by_lengths(kernel, batch["cu_seqlens"], batch["max_seqlen"])


def rotated(x: Tensor, positions: Tensor) -> Tensor:
    """Turn pairs of (sequences, S, heads, width of a head) by angles that grow with the position."""
    half = x.shape[-1] // 2
    rates = 10_000.0 ** -(torch.arange(half, device=x.device) / half)
    angles = (positions[:, :, None] * rates)[:, :, None]
    one, two = x.float().chunk(2, -1)
    return torch.cat([one * angles.cos() - two * angles.sin(), two * angles.cos() + one * angles.sin()], -1).to(x.dtype)


class Block(nn.Module):
    """Attention, then two layers with GELU, each added to what came in."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.heads = size.heads
        self.before_attention, self.before_layers = nn.RMSNorm(size.width), nn.RMSNorm(size.width)
        self.qkv = nn.Linear(size.width, 3 * size.width, bias=False)
        self.out = nn.Linear(size.width, size.width, bias=False)
        self.up = nn.Linear(size.width, 4 * size.width, bias=False)
        self.down = nn.Linear(4 * size.width, size.width, bias=False)
        self.dropout = nn.Dropout(size.dropout)

    def forward(self, x: Tensor, positions: Tensor, attend: Attend) -> Tensor:
        """Return the stream after this block."""
        q, k, v = self.qkv(self.before_attention(x)).unflatten(-1, (3, self.heads, -1)).unbind(2)
        x = x + self.dropout(self.out(attend(rotated(q, positions), rotated(k, positions), v).flatten(2)))
        return x + self.dropout(self.down(functional.gelu(self.up(self.before_layers(x)))))


class GPT(nn.Module):
    """Token ids and their positions to logits (sequences, S, vocabulary)."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.embedding = nn.Embedding(size.vocabulary, size.width)
        self.blocks = nn.ModuleList(Block(size) for _ in range(size.layers))
        self.norm = nn.RMSNorm(size.width)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                ends_block = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * size.layers) if ends_block else 0.02)

    def forward(self, ids: Tensor, positions: Tensor, attend: Attend) -> Tensor:
        """Return the logits of the token after each place."""
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x, positions, attend)
        return functional.linear(self.norm(x), self.embedding.weight)


def loss_of(model: nn.Module, batch: Mapping[str, Any], kernel: Kernel | None) -> Tensor:
    """Return the mean loss over the places that have a label (the others are -100)."""
    logits = model(batch["input_ids"], batch["position_ids"], attention_of(batch, kernel))
    loss: Tensor = functional.cross_entropy(logits.flatten(0, 1).float(), batch["labels"].flatten())
    return loss


def optimizer_of(model: nn.Module, rate: float) -> torch.optim.AdamW:
    """Return AdamW with weight decay on matrices only."""
    matrices = [weight for weight in model.parameters() if weight.dim() >= 2]
    others = [weight for weight in model.parameters() if weight.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95))


def rate_at(step: int, steps: int, warmup: int, highest: float) -> float:
    """Return the learning rate: up in a line over `warmup` steps, then down along a cosine to a tenth."""
    if step < warmup:
        return highest * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return highest * (0.1 + 0.45 * (1 + math.cos(math.pi * min(1.0, done))))


FREE = ("shards", "out", "checkpoint_every")
"""Options that may change when a run is continued: losses do not depend on them (the reader knows its shards)."""


class Run:
    """A training run: everything that a checkpoint holds, and the log."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.step = options, 0
        self.fixed = {name: str(value) for name, value in vars(options).items() if name not in FREE}
        self.device = torch.device(options.device)
        self._reproducible()
        self.data = dataset_of(options)
        vocabulary = self.data.reader.manifest.root["tokenizer"]["vocabulary"]
        shape = {name: getattr(options, name) for name in ("layers", "heads", "width", "dropout")}
        self.model = GPT(Size(vocabulary=-(-vocabulary // 64) * 64, **shape)).to(self.device)
        self.optimizer = optimizer_of(self.model, options.rate)
        self.attention, self.kernel = varlen_kernel(self.device)
        options.out.mkdir(parents=True, exist_ok=True)
        remove_leftovers(options.out)
        self.checkpoint, self.log = options.out / "checkpoint.pt", options.out / "log.jsonl"

    def _reproducible(self) -> None:
        """Fix seed and threads, and on a CPU the order of every sum."""
        torch.manual_seed(self.options.seed)
        torch.set_num_threads(self.options.threads)
        torch.use_deterministic_algorithms(self.device.type == "cpu")

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state: dict[str, Any] = {"step": self.step, "options": self.fixed, "reader": self.data.state_dict()}
        state |= {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        state["random"] = torch.get_rng_state()
        if self.device.type == "cuda":
            state["random_cuda"] = torch.cuda.get_rng_state(self.device)
        with whole_file(self.checkpoint) as file:
            torch.save(state, file)
        save_settings(self.options.out / "reader.json", self.data.reader)

    def resume(self) -> None:
        """Go on from the checkpoint where there is one; log lines after it are written again."""
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
            for name, value in self.fixed.items():
                if state["options"].get(name) != value:
                    was = f"{self.checkpoint} was made with {state['options'].get(name)}; use that, or another --out"
                    raise SettingError("train_gpt", f"--{name.replace('_', '-')}", value, was)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.data.load_state_dict(state["reader"])
            torch.set_rng_state(state["random"])
            if self.device.type == "cuda":
                torch.cuda.set_rng_state(state["random_cuda"], self.device)
            self.step = state["step"]
        lines = self.log.read_text().splitlines(keepends=True) if self.log.exists() else []
        write_text(self.log, "".join(lines[: self.step]))

    def train(self) -> None:
        """Train up to the last step, with a line of log for each."""
        self.resume()
        self.model.train()
        batches, clock = iter(self.data), time.perf_counter()
        with self.log.open("a") as log:
            while self.step < self.options.steps:
                batch = next(batches)
                waited = time.perf_counter() - clock
                told: dict[str, Any] = {"step": self.step, "loss": self.update(batch)}
                now = time.perf_counter()
                told |= {"tokens_per_s": round(batch["num_real_tokens"] / (now - clock))}
                told |= {"waiting": round(waited / (now - clock), 4), "attention": self.attention}
                log.write(json.dumps(told) + "\n")
                log.flush()
                sys.stdout.write(json.dumps(told) + "\n")
                self.step, clock = self.step + 1, now
                if self.step % self.options.checkpoint_every == 0 or self.step == self.options.steps:
                    self.save()
                    clock = time.perf_counter()

    def update(self, batch: Mapping[str, Any]) -> float:
        """Take a step of the optimizer; return the loss before it."""
        there = {k: v.to(self.device, non_blocking=True) if isinstance(v, Tensor) else v for k, v in batch.items()}
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            loss = loss_of(self.model, there, self.kernel)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(self.step, self.options.steps, self.options.warmup, self.options.rate)
        self.optimizer.step()
        return float(loss.detach())


def dataset_of(options: argparse.Namespace) -> TokenDataset:
    """Return the batches of a run: documents packed whole, epoch after epoch."""
    settings = ReaderSettings(
        sequence_length=options.sequence_length, batch_size=options.batch_size, seed=options.seed,
        packing="best_fit", epochs=None,
    )  # fmt: skip
    return torch_dataset(options.shards, settings)


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description="Train a small GPT on token shards; the same command resumes.")
    parser.add_argument("shards", help="folder of the shards' manifest, as demo/shards")
    parser.add_argument("--out", type=Path, required=True, help="folder for log and checkpoint")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--checkpoint-every", type=int, default=50, metavar="STEPS")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1, help="of torch; another number, other roundings")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sequence-length", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--rate", type=float, default=1e-3, help="highest learning rate")
    parser.add_argument("--warmup", type=int, default=20, metavar="STEPS")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        Run(parsed()).train()
    except HeadwaterError as error:
        sys.exit(f"train_gpt: {error}")
