"""Fold a trained adapter into its base: one model that loads anywhere."""

from pathlib import Path

from hybridbatch.encoders.adapters import is_adapter, merged
from hybridbatch.runtime.errors import ConfigError
from hybridbatch.runtime.files import whole
from hybridbatch.runtime.gpus import hide_gpus
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    hide_gpus()
    model = Path(snakemake.input.model)
    if not is_adapter(model):
        raise ConfigError(f"{model}: is a whole model, with nothing to merge; take it as it is.")
    with whole(snakemake.output[0]) as temporary:
        merged(model).save(str(temporary), create_model_card=False)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
