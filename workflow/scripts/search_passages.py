"""The first passages of each query in some shards of one language, by one model."""

from pathlib import Path

from hybridbatch.encoders.base import QUERY, TEXT
from hybridbatch.encoders.inference import load
from hybridbatch.retrieval.index import SearchConfig, merge_parts, search, with_exact
from hybridbatch.retrieval.search import encode_passages
from hybridbatch.runtime import kinds
from hybridbatch.runtime.checkpoints import intact, key_of, working
from hybridbatch.runtime.files import read_table, write_table
from hybridbatch.runtime.gpus import hide_gpus
from hybridbatch.runtime.logs import Progress, log, logged


def main(snakemake) -> None:
    if not snakemake.resources.gpu:  # otherwise a GPU is leased when torch is needed
        hide_gpus()
    params, model = snakemake.params, Path(snakemake.input.model)
    config = SearchConfig(**params.search)
    kind = kinds.load("benchmarks", params.kind)
    queries = read_table(snakemake.input.queries)
    query_ids, texts = (queries[name].to_pylist() for name in ("query_id", "text"))
    shards, output = [Path(path) for path in snakemake.input.passages], Path(snakemake.output[0])
    values = [dict(params.search), dict(params.encoder), list(params.code)]
    values += [dict(params.of), [path.name for path in shards]]
    key = key_of(values, [*query_ids, *texts], [model])
    # Hashing passages would take as long as reading them: their size and time have to do.
    stats = [[path.stat().st_size, path.stat().st_mtime_ns] for path in shards]
    with working(Path(params.checkpoints), key, output) as work:
        if work.is_published(stats):
            return
        encode = load(params.encoder, model)
        vectors = encode(QUERY, TEXT, texts)
        runs, progress = [], Progress(len(shards), "shards", every=0)
        for number, shard in enumerate(shards):
            size, time = stats[number]
            done = work.state / f"{number:03d}-{size}-{time}.parquet"
            if intact(done):
                log.info("%s: searched before, its run is in %s", shard, done)
            else:
                passages = encode_passages(kind.read_passages(shard), encode)
                found = search(query_ids, vectors, *passages, config)
                if config.approximate:
                    wanted = search(query_ids, vectors, *passages, config.exact())
                    found = with_exact(found, wanted)
                write_table(done, found)
            runs.append(read_table(done))
            progress.add()
        run = merge_parts(runs, config.depth, f"{shards[0]} and the shards after it")
        with work.publish(stats) as temporary:
            write_table(temporary, run, params.of)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
