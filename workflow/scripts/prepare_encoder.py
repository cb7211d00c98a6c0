"""An encoder before fine-tuning: a tokenizer trained here, or pretrained weights brought here."""

from pathlib import Path

from hybridbatch.encoders.tokens import TOKENIZER_FILE, train_unigram
from hybridbatch.runtime.files import read_table, whole
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    values = snakemake.params.encoder
    with whole(snakemake.output[0]) as folder:
        folder.mkdir()
        if values["kind"] != "transformer":
            texts: dict[str, list[str]] = {}
            # Sorted, so that the order of lists in the configuration makes no difference.
            for path in sorted(map(Path, snakemake.input.texts)):
                table = read_table(path, ["question", "passage"])
                for column in table.itercolumns():
                    texts.setdefault(path.stem, []).extend(column.to_pylist())
            tokenizer = train_unigram(texts, values["vocabulary"], values["tokenizer_characters"])
            tokenizer.save(str(folder / TOKENIZER_FILE))
        else:
            # Imported here, so that a tokenizer does not wait for torch.
            from hybridbatch.encoders.models import encoder_config, fetch_transformer

            fetch_transformer(encoder_config(values), folder)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
