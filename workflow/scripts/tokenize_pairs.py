"""Token ids of one corpus in one language, for all samplings and seeds."""

from pathlib import Path

from hybridbatch.encoders.tokens import TOKENIZER_FILE, load_tokenizer, tokenize_table
from hybridbatch.runtime.files import read_batches, read_table
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    values = snakemake.params.encoder
    tokenizer = load_tokenizer(Path(snakemake.input.encoder) / TOKENIZER_FILE, values["max_tokens"])
    tokenize_table(
        tokenizer,
        read_table(snakemake.input.pairs, ["id", "question_id", "passage_id"]),
        read_batches(snakemake.input.train, ["id", "question", "passage", "negative"]),
        values["query_prefix"],
        values["passage_prefix"],
        special_tokens=values["kind"] != "static",
    ).save(snakemake.output[0])


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
