"""An encoder before fine-tuning: a tokenizer trained here, or pretrained weights brought here."""

from hybridbatch.runtime import kinds
from hybridbatch.runtime.errors import about
from hybridbatch.runtime.files import read_keyed, whole
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    values = snakemake.params.encoder
    texts: dict[str, list[str]] = {}
    # Sorted by corpus and language, so that the configuration's order of lists does not matter.
    found = read_keyed(snakemake.input.texts, ["question", "passage"])
    for keys, table in sorted(found, key=lambda item: (item[0]["corpus"], item[0]["language"])):
        for column in (table["question"], table["passage"]):
            texts.setdefault(keys["language"], []).extend(column.to_pylist())
    with (
        about(f"catalogue.encoders.{snakemake.wildcards.encoder}"),
        whole(snakemake.output[0]) as folder,
    ):
        folder.mkdir()
        kinds.load("encoders", values["kind"]).prepare(values, texts, folder)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
