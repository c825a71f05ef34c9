"""Reading a training file: `python benchmarks/training_file.py [--megabytes 200]`.

A file of chats, made of this project's texts and code, is read without a tokenizer, with one, and
with all; each in a process of its own, so that its peak of memory is its own.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

CASES = ("without tokenizer", "with o200k_base", "with every tokenizer")


def main() -> None:
    """Print how fast each case reads, and the memory that it takes at most."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--megabytes", type=int, default=200)
    options.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.case:
        read(chosen.file, chosen.case)
        return
    with TemporaryDirectory() as folder:
        file = Path(folder) / "data.jsonl"
        write(file, chosen.megabytes * 1_000_000)
        for case in CASES:
            command = [sys.executable, __file__, "--file", str(file), "--case", case]
            subprocess.run(command, check=True)


def write(file: Path, size: int) -> None:
    """Write chats of one to three turns, in English, Chinese and code."""
    chance = random.Random(1)  # noqa: S311 the same file every time
    prose = (ROOT / "README.md").read_text(encoding="utf-8").split()
    code = (ROOT / "pipeline" / "cli.py").read_text(encoding="utf-8").splitlines(keepends=True)
    chinese = "模型的微调价格按训练数据的词元数量乘以训练轮数计算，以供应商公布的单价为准。"

    def said() -> str:
        kind = chance.random()
        if kind < 0.6:  # noqa: PLR2004 most are prose
            return " ".join(chance.choices(prose, k=chance.randrange(5, 150)))
        if kind < 0.8:  # noqa: PLR2004 as much code as Chinese
            start = chance.randrange(len(code) - 40)
            return "".join(code[start : start + chance.randrange(2, 40)]) or "pass"
        return "".join(chance.choices(chinese, k=chance.randrange(5, 300)))

    with file.open("w", encoding="utf-8") as out:
        while out.tell() < size:
            for _ in range(1000):
                messages = [{"role": "system", "content": "You are a helpful assistant."}]
                for _ in range(chance.randrange(1, 4)):
                    messages.append({"role": "user", "content": said() + "?"})
                    messages.append({"role": "assistant", "content": said() + "."})
                out.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")


def read(file: Path, case: str) -> None:
    """Read the file as one case does, and print what that took."""
    from pipeline import training_file

    if case == CASES[0]:
        silent = SimpleNamespace(encode_ordinary=lambda _: ())
        training_file.Tokenizer = SimpleNamespace(from_pretrained=lambda _: silent)
    tokenizers = training_file.TOKENIZERS if case == CASES[2] else ()
    begun = time.perf_counter(), time.process_time()
    found = training_file.read_training_file(file, tokenizers=tokenizers)
    took, worked = time.perf_counter() - begun[0], time.process_time() - begun[1]
    size = file.stat().st_size / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert not found.mistake_count, found.mistakes
    print(
        f"{case}: {found.example_count:,} examples, {size:.0f} MB in {took:.1f} s: "
        f"{size / took:.0f} MB/s, {size / worked:.0f} MB/s of processor time (at least 20 without "
        f"tokenizer is meant); at most {peak:.0f} MB of memory (at most 200 is meant)",
        flush=True,
    )


if __name__ == "__main__":
    main()
