"""Peak memory of the stages between files and tokens, on a made corpus of mMARCO's shape.

    .venv/bin/python benchmarks/corpus_memory.py [rows]

Two million triples by default, a tenth as many queries and a quarter as many passages, of mMARCO's
lengths, in English and in a made second language. Each stage is the workflow's own script in a
process of its own; the peak is the resident set of that process (getrusage, RUSAGE_CHILDREN).
"""

import json
import multiprocessing
import resource
import runpy
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np

SCRIPTS = Path(__file__).parents[1] / "workflow" / "scripts"
SHARDS = 4
FILTERING = {"max_unknown_share": 0.5, "min_length_ratio": 0.1, "max_length_ratio": 4.0}
ENCODER = {"kind": "static", "max_tokens": 256, "query_prefix": "Query: ", "passage_prefix": "P: "}
ENCODER |= {"dimension": 256, "vocabulary": 8_000, "tokenizer_characters": 500_000}


def make_corpus(folder: Path, rows: int) -> None:
    """Triples, and queries and collections in two languages."""
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = np.array(["".join(rng.choice(letters, rng.integers(2, 10))) for _ in range(50_000)])
    queries, passages = rows // 10, rows // 4
    # Six words a query, about fifty-six a passage.
    for name, count, low, high in (("queries", queries, 3, 9), ("collection", passages, 30, 82)):
        paths = (folder / f"{name}.{language}.tsv" for language in ("en", "xx"))
        with next(paths).open("w") as english, next(paths).open("w") as other:
            for number in range(count):
                # A Zipf-like draw, so that texts compress and repeat words as texts do.
                drawn = rng.random(rng.integers(low, high)) ** 3 * len(words)
                text = words[drawn.astype(int)]
                english.write(f"{number}\t{' '.join(text)}\n")
                other.write(f"{number}\t{' '.join(word + 'o' for word in text)}\n")
    with (folder / "triples.tsv").open("w", encoding="utf-8") as file:
        for _ in range(0, rows, 100_000):
            drawn = rng.integers(0, [queries, passages, passages], (min(rows, 100_000), 3))
            file.writelines(f"{query}\t{yes}\t{no}\n" for query, yes, no in drawn)


def train_tokenizer(folder: Path) -> None:
    """A tokenizer of the size that a static encoder has."""
    sys.path.insert(0, str(SCRIPTS))
    from hybridbatch.encoders import static

    texts = {}
    for language in ("en", "xx"):
        with (folder / f"collection.{language}.tsv").open(encoding="utf-8") as file:
            texts[language] = [line.split("\t")[1].strip() for line in islice(file, 5_000)]
    (folder / "encoder").mkdir()
    static.prepare(ENCODER, texts, folder / "encoder")


def job(script: str, input: dict, output: dict | list, params: dict, wildcards: dict) -> None:
    """Run a script of the workflow as its rule does."""
    sys.path.insert(0, str(SCRIPTS))
    named = [SimpleNamespace(**part) for part in (input, params, wildcards)]
    files = SimpleNamespace(**output) if isinstance(output, dict) else output
    main = runpy.run_path(str(SCRIPTS / f"{script}.py"))["main"]
    main(SimpleNamespace(input=named[0], output=files, params=named[1], wildcards=named[2]))


def stages(folder: Path) -> list[tuple[str, tuple]]:
    """(what, arguments of `job`) of every stage for both languages."""
    pairs, wildcards = folder / "train.parquet", {"corpus": "made", "language": "xx"}

    def shards(language: str) -> list[Path]:
        return [folder / f"{language}.{number}.parquet" for number in range(SHARDS)]

    files = [folder / name for name in ("triples.tsv", "queries.en.tsv", "collection.en.tsv")]
    output = {"train": pairs, "validation": folder / "v.parquet", "counts": folder / "counts.json"}
    params = {"reader": "mmarco", "language": "en", "holdout": 0.0}
    found = [("read_corpus", ("read_corpus", {"files": files}, output, params, wildcards))]
    for number, shard in enumerate(shards("en")):
        values = {"number": number, "of": SHARDS}
        arguments = ("shard_texts", {"pairs": pairs}, [shard], values, wildcards)
        found.append((f"shard_texts {number}", arguments))
    files = [folder / "queries.xx.tsv", folder / "collection.xx.tsv"]
    for number, (own, shard) in enumerate(zip(shards("en"), shards("xx"), strict=True)):
        input = {"texts": own, "files": files}
        arguments = ("read_parallel", input, [shard], {"reader": "mmarco"}, wildcards)
        found.append((f"read_parallel {number}", arguments))
    for language in ("en", "xx"):
        input = {"pairs": pairs, "source": shards("en"), "translated": shards(language)}
        train = folder / f"train.{language}.parquet"
        output = {"train": train, "counts": folder / f"{language}.json"}
        of = {"corpus": "made", "language": language}
        params = {"filtering": FILTERING, "same_language": language == "en", "of": of}
        arguments = ("filter_pairs", input, output, params, wildcards)
        found.append((f"filter_pairs {language}", arguments))
    for language in ("en", "xx"):
        train = folder / f"train.{language}.parquet"
        input = {"encoder": folder / "encoder", "pairs": pairs, "train": train}
        output = [folder / f"{language}.safetensors"]
        params = {"encoder": ENCODER, "of": {"corpus": "made", "language": language}}
        arguments = ("tokenize_pairs", input, output, params, wildcards)
        found.append((f"tokenize_pairs {language}", arguments))
    return found


def measure(function: Callable, arguments: tuple) -> tuple[float, float]:
    """(peak GiB, seconds) of a call in a process of its own."""
    # Spawned, so that it starts without this process' memory; measured by one more process, since
    # RUSAGE_CHILDREN is the largest of all children there were.
    start = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    watcher = context.Process(target=_watch, args=(send, function, arguments))
    watcher.start()
    send.close()
    peak = receive.recv()
    watcher.join()
    if peak is None:
        raise SystemExit(f"{function.__name__}{arguments} failed")
    return peak, time.perf_counter() - start


def _watch(send, function: Callable, arguments: tuple) -> None:
    child = multiprocessing.get_context("spawn").Process(target=function, args=arguments)
    child.start()
    child.join()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    send.send(peak if child.exitcode == 0 else None)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for function, arguments in ((make_corpus, (folder, rows)), (train_tokenizer, (folder,))):
            measure(function, arguments)
        size = sum(path.stat().st_size for path in folder.glob("*.tsv"))
        print(f"{rows:,} triples, {size / 2**30:.2f} GiB of text")
        for what, arguments in stages(folder):
            peak, seconds = measure(job, arguments)
            print(f"{what:20} {peak:5.2f} GiB {seconds:7.1f} s", flush=True)
        for language in ("en", "xx"):
            counts = json.loads((folder / f"{language}.json").read_text(encoding="utf-8"))
            print(f"{language}: {counts['kept']:,} of {counts['pairs']:,} pairs kept")
        for path in ("train.parquet", "train.xx.parquet", "xx.safetensors"):
            print(f"{path}: {(folder / path).stat().st_size / 2**30:.2f} GiB")


if __name__ == "__main__":
    main()
