"""Rows of data sets, read by the library `datasets`: from the hub, a mirror or local files.

Data sets of the hub are pinned to a commit. No code of a data set is run: the library no longer
supports loading scripts, and a data set that has nothing else is refused.
"""

import difflib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import datasets
from datasets.features import features as kinds

from hybridbatch.data.download import MIRROR_VARIABLE, locked, record_hash, recorded_hashes
from hybridbatch.data.shards import Row, write_shards
from hybridbatch.runtime.errors import DataError, SourceError
from hybridbatch.runtime.logs import Progress, log

_HUB = "https://huggingface.co/datasets"
# The builder for a file, by its suffix.
_BUILDERS = {
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".jsonl": "json",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
}
_LOGGED = 1000  # rows between two checks of the clock


@dataclass(frozen=True)
class DataSet:
    """A data set and its columns: the keys of the same names in experiment/readers/datasets.py.

    revision: a full commit hash of the hub; None for a local folder or file.
    columns: `question` and `passage`; optionally `id`, `paragraph` and `answers`, which is a
    mapping with `start` and optionally `text`.
    """

    path: str
    name: str | None
    revision: str | None
    split: str
    columns: Mapping[str, Any]

    @property
    def url(self) -> str:
        """The URL of the data set on the hub at its commit."""
        return f"{_HUB}/{self.path}/tree/{self.revision}"

    @property
    def key(self) -> str:
        """The key in the lock file: the URL and everything else that determines the rows."""
        chosen = {"name": self.name, "split": self.split, **_flat(self.columns)}
        return f"{self.url}?" + "&".join(f"{k}={v}" for k, v in sorted(chosen.items()) if v)

    def __str__(self) -> str:
        name = f", name {self.name}" if self.name else ""
        return f"data set {self.path}{name}, split {self.split}"


def fetch_data_set(
    data_set: DataSet, folder: str | Path, mirror: str | None, lock_file: str | Path
) -> None:
    """Stream the rows of `data_set` into hashed shards in `folder`, which appears whole or not.

    mirror: a folder that is tried before the network, see `mirrored`. lock_file: JSON of hashes by
    URL. The first fetch of a data set of the hub records its hash; later fetches, from the hub or a
    mirror, have to match it. Local files may change, so their hash is not recorded.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        expected = recorded_hashes(lock_file).get(data_set.key) if data_set.revision else None
        with tempfile.TemporaryDirectory() as cache:
            found = rows(data_set, mirror, cache)
            manifest = write_shards(folder, found, asdict(data_set), expected)
        if data_set.revision and not expected:
            record_hash(Path(lock_file), data_set.key, manifest["content_sha256"])
    log.info("%s: %d rows in %d shards", data_set, manifest["rows"], len(manifest["shards"]))


def mirrored(data_set: DataSet, mirror: str | None) -> Path | None:
    """The data set's folder in a mirror, or None.

    `{mirror}/huggingface.co/datasets/{path}/tree/{revision}` is tried first, then the folder
    without a commit, `{mirror}/huggingface.co/datasets/{path}`, which has to hold data files.
    """
    if not mirror:
        return None
    base = Path(mirror) / "huggingface.co" / "datasets" / data_set.path
    if (folder := base / "tree" / str(data_set.revision)).is_dir():
        return folder
    # `resolve` holds single pinned files, which are not the whole data set.
    own = base.is_dir() and any(p.name not in ("resolve", "tree") for p in base.iterdir())
    return base if own else None


def rows(data_set: DataSet, mirror: str | None, cache: str | Path) -> Iterator[Row]:
    """Stream the rows of a data set.

    cache: a folder for the library's own files. Raises `SourceError` if the data set cannot be
    opened or has no such split, `DataError` if a column is missing, a value has the wrong type, or
    there is no row. Messages name path, split, column and row.
    """
    stream = _open(data_set, mirror, str(cache))
    first = next(_guarded(stream, data_set), None)
    if first is None:
        raise DataError(f"{data_set}: has no row.")
    there = _columns(stream.features, first)
    wanted = list(_flat(data_set.columns).values())
    for column in wanted:
        if column not in there:
            raise DataError(
                f"{data_set}: has no column {column!r}{_nearest(column, there)}; it has "
                f"{', '.join(there)}. Correct `columns`."
            )
    # Only these columns are decoded, since decoding images may cost more than reading the texts.
    top = dict.fromkeys(c if c in first else c.split(".")[0] for c in wanted)
    stream = stream.select_columns(list(top))
    splits = stream.info.splits or {}
    total = splits[data_set.split].num_examples if data_set.split in splits else None
    progress = Progress(total, f"rows of {data_set.path}")
    for number, values in enumerate(_guarded(stream, data_set)):
        yield _row(values, data_set, number)
        if number % _LOGGED == 0:
            progress.add(min(_LOGGED, number + 1))


def _open(data_set: DataSet, mirror: str | None, cache: str) -> datasets.IterableDataset:
    path, local, more = data_set.path, Path(data_set.path), {}
    if data_set.revision is not None:
        if local.exists():
            # The library would read a local folder of this name instead of the hub's data set.
            raise SourceError(
                f"{data_set}: {local} is a folder or file here and a `revision` is given. Leave "
                "`revision` out to read it, or rename it to read the hub's."
            )
        if folder := mirrored(data_set, mirror):
            path = str(folder)
        else:
            more = {"revision": data_set.revision}
    elif local.is_file():
        path, more = _builder(data_set), {"data_files": {data_set.split: [str(local)]}}
        if local.name.removesuffix(".gz").endswith(".tsv"):
            more["sep"] = "\t"
    elif not local.is_dir():
        raise SourceError(
            f"{data_set}: there is no such folder or file. For a data set of the hub give its "
            "`revision`, a full commit."
        )
    log.info("%s from %s", data_set, data_set.url if "revision" in more else data_set.path)
    try:
        found = datasets.load_dataset(path, data_set.name, streaming=True, cache_dir=cache, **more)
    except RuntimeError as error:
        if "scripts are no longer supported" not in str(error):
            raise
        raise SourceError(
            f"{data_set}: has only a loading script, which is code of others and is never run "
            f"({error}). Take a commit that holds parquet, JSON Lines or CSV files: the hub "
            "converts many data sets on their branch refs/convert/parquet."
        ) from error
    except (OSError, ValueError) as error:
        raise SourceError(_advice(data_set, mirror, error)) from error
    if data_set.split not in found:
        raise SourceError(
            f"{data_set}: has no split {data_set.split!r}{_nearest(data_set.split, found)}; it has "
            f"{', '.join(map(str, found))}."
        )
    return found[data_set.split]


def _builder(data_set: DataSet) -> str:
    if data_set.name:
        raise SourceError(f"{data_set}: a single file has no configurations; leave `name` out.")
    suffix = Path(data_set.path.removesuffix(".gz")).suffix
    if suffix not in _BUILDERS:
        raise SourceError(
            f"{data_set}: files of this kind are not read; known: {', '.join(_BUILDERS)}."
        )
    return _BUILDERS[suffix]


def _guarded(stream: Iterable[dict], data_set: DataSet) -> Iterator[dict]:
    """Yield the rows; errors while reading them are raised with the name of the data set."""
    number = 0
    try:
        for values in stream:
            yield values
            number += 1
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        # pyarrow's message for a parquet file with a row group but no rows.
        hint = " (a parquet file of it has no row)" if "BatchSize" in str(error) else ""
        raise SourceError(
            f"{data_set}: cannot be read from row {number} on: {error}{hint}"
        ) from error


def _row(values: dict, data_set: DataSet, number: int) -> Row:
    where = f"{data_set}: row {number}"
    columns = data_set.columns

    def text(key: str, also: type = str) -> str | None:
        if key not in columns:
            return None
        value = _reach(values, columns[key], where)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, also) and not isinstance(value, bool):
            return str(value)
        raise _wrong_type(where, columns[key], value, "text")

    answer = start = None
    if answers := columns.get("answers"):
        start = _first(_reach(values, answers["start"], where))
        if start is not None and (not isinstance(start, int) or isinstance(start, bool)):
            raise _wrong_type(where, answers["start"], start, "a whole number")
        if "text" in answers:
            answer = _first(_reach(values, answers["text"], where))
            if not isinstance(answer, str | None):
                raise _wrong_type(where, answers["text"], answer, "text")
    return Row(
        text("question"), text("passage"), text("id", int), text("paragraph", int), answer, start
    )


def _reach(values: dict, column: str, where: str) -> Any:
    """The value of a column; a dotted name reaches into structs, and into a list's first item."""
    if column in values:
        return values[column]
    value: Any = values
    for part in column.split("."):
        value = _first(value)
        if value is None:
            return None
        if not isinstance(value, dict) or part not in value:
            raise DataError(f"{where}: has no {column!r}; it has {', '.join(_names(values))}.")
        value = value[part]
    return value


def _first(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return value[0] if value else None


def _wrong_type(where: str, column: str, value: Any, expected: str) -> DataError:
    return DataError(f"{where}: column {column!r} is not {expected} but {value!r:.60}.")


def _flat(columns: Mapping[str, Any]) -> dict[str, str]:
    """The column names by key; the keys of `answers` have a dot."""
    flat = {}
    for key, value in columns.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{inner}": name for inner, name in value.items()}
        else:
            flat[key] = value
    return flat


def _columns(features: datasets.Features | None, first: dict) -> list[str]:
    """The columns and, dotted, the fields of structs, as declared or else as in the first row."""
    return _declared(features) if features else _names(first)


def _declared(features: Mapping[str, Any], prefix: str = "") -> list[str]:
    names = []
    for name, kind in features.items():
        names.append(f"{prefix}{name}")
        while isinstance(kind, list | kinds.List | kinds.LargeList):
            kind = kind[0] if isinstance(kind, list) else kind.feature
        if isinstance(kind, Mapping):
            names += _declared(kind, f"{prefix}{name}.")
    return names


def _names(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    names = []
    for name, value in values.items():
        names.append(f"{prefix}{name}")
        if isinstance(value := _first(value), Mapping):
            names += _names(value, f"{prefix}{name}.")
    return names


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(map(str, known)), n=1)
    return f", did you mean {close[0]!r}?" if close else ""


def _advice(data_set: DataSet, mirror: str | None, error: Exception) -> str:
    if data_set.revision is None or isinstance(error, ValueError):
        return f"{data_set}: cannot be opened: {error}"
    place = f"{mirror or 'DIR'}/huggingface.co/datasets/{data_set.path}/tree/{data_set.revision}"
    return (
        f"{data_set}: {data_set.url} cannot be had: {error}. Without a network, put its files into "
        f"{place} and set {MIRROR_VARIABLE}={mirror or 'DIR'}."
    )
