"""Rows of data sets, found by the library `datasets`: on the hub, in a mirror or in local files.

The library also reads parquet files. JSON and CSV files are read by records.py: the library takes
`NA` and `null` in CSV for absent, `007` for 7, and the last of two equal keys in a JSON list.

Data sets of the hub are pinned to a commit. No code of a data set is run: the library no longer
supports loading scripts, and a data set that has nothing else is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import datasets
import fsspec
from datasets.exceptions import DatasetsError
from datasets.features import features as kinds
from datasets.packaged_modules.csv.csv import Csv
from datasets.packaged_modules.json.json import Json

from hybridbatch.data.download import MIRROR_VARIABLE, locked, record_hash
from hybridbatch.data.formats import ROWS
from hybridbatch.data.records import csv_rows, empty, has_nul, json_file, json_objects, lines
from hybridbatch.data.shards import MAX_BYTES, Row, write_shards
from hybridbatch.data.unreadable import Source, undecoded
from hybridbatch.runtime.errors import DataError, SourceError, nearest
from hybridbatch.runtime.files import scratch
from hybridbatch.runtime.hashes import recorded_hashes
from hybridbatch.runtime.logs import Progress, log
from hybridbatch.runtime.recovery import remove_unfinished

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
_PACKED = (".zip", ".tar", ".tgz", ".bz2", ".xz", ".zst", ".lz4", ".7z", ".tar.gz")
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
        chosen["format"] = ROWS
        return f"{self.url}?" + "&".join(f"{k}={v}" for k, v in sorted(chosen.items()) if v)

    def __str__(self) -> str:
        name = f", name {self.name}" if self.name else ""
        return f"data set {self.path}{name}, split {self.split}"


def fetch_data_set(
    data_set: DataSet,
    folder: str | Path,
    mirror: str | None,
    lock_file: str | Path,
    max_bytes: int = MAX_BYTES,
) -> None:
    """Stream the rows of `data_set` into hashed shards in `folder`, which appears whole or not.

    mirror: a folder that is tried before the network, see `mirrored`. lock_file: JSON of hashes by
    URL. The first fetch of a data set of the hub records its hash; later fetches, from the hub or a
    mirror, have to match it. Local files may change, so their hash is not recorded. max_bytes: of
    the rows' texts. What a killed process left half-way is removed.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        remove_unfinished(folder)
        expected = recorded_hashes(lock_file).get(data_set.key) if data_set.revision else None
        with scratch(folder) as cache:
            found = rows(data_set, mirror, cache)
            manifest = write_shards(folder, found, asdict(data_set), expected, max_bytes)
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
    builder = _open(data_set, mirror, str(cache))
    found, total = (
        (_text_rows(builder, data_set), None)
        if isinstance(builder, Csv | Json)
        else _library_rows(builder, data_set)
    )
    progress = Progress(total, f"rows of {data_set.path}")
    for number, (where, values) in enumerate(found):
        yield _row(values, data_set, where)
        if number % _LOGGED == 0:
            progress.add(min(_LOGGED, number + 1))


def library_rows(
    data_set: DataSet, mirror: str | None, cache: str | Path
) -> Iterator[tuple[str, dict]]:
    """(place, values) of the rows, as the library reads them.

    An image is a mapping with `bytes` and `path`, one of them None, and is not decoded. cache,
    errors: as for `rows`.
    """
    return _library_rows(_open(data_set, mirror, str(cache)), data_set)[0]


def _library_rows(
    builder: datasets.DatasetBuilder, data_set: DataSet
) -> tuple[Iterator[tuple[str, dict]], int | None]:
    """(place, values) of the rows, as the library reads them, and their number if it is known."""
    source = _source(builder, data_set)
    source.check_ends()
    with source.naming_files():
        streams = builder.as_streaming_dataset()
    stream = undecoded(_split(streams, data_set))
    first = next(source.guarded(stream), None)
    if first is None:
        raise DataError(f"{data_set}: has no row.")
    wanted = _wanted(data_set, _columns(stream.features, first))
    # Only these columns are decoded, since decoding images may cost more than reading the texts.
    top = dict.fromkeys(c if c in first else c.split(".")[0] for c in wanted)
    stream = stream.select_columns(list(top))
    splits = stream.info.splits or {}
    total = splits[data_set.split].num_examples if data_set.split in splits else None
    rows = enumerate(source.guarded(stream))
    return ((f"{data_set}: row {number}", values) for number, values in rows), total


def _text_rows(builder: Csv | Json, data_set: DataSet) -> Iterator[tuple[str, dict]]:
    """(file and line, values) of the rows of CSV or JSON files."""
    files = list(map(str, _split(builder.config.data_files or {}, data_set)))
    for file in files:
        if file.endswith(_PACKED):
            raise SourceError(f"{data_set}: {file} is packed; unpack it, or pack it with gzip.")
    read = _csv_rows if isinstance(builder, Csv) else _json_rows
    rows = chain.from_iterable(read(f, builder, data_set) for f in files)
    # What else goes wrong here is no fault of the files: the code is our own.
    found = _source(builder, data_set).guarded(rows, OSError, ValueError, DatasetsError)
    first = list(islice(found, _LOGGED))
    # A key may be absent in some objects.
    _wanted(data_set, list(dict.fromkeys(name for _, row in first for name in _names(row))))
    yield from chain(first, found)


def _csv_rows(file: str, builder: Csv, data_set: DataSet) -> Iterator[tuple[str, dict]]:
    start = (data_set.columns.get("answers") or {}).get("start")
    delimiter = builder.config.delimiter or builder.config.sep
    for number, texts in csv_rows(file, delimiter, opened):
        # An empty field is an absent value.
        values: dict[str, Any] = {name: text or None for name, text in texts.items()}
        if (found := values.get(start)) and found.isascii() and found.isdigit():
            values[start] = int(found)
        yield f"{file}: line {number}", values


def _json_rows(file: str, builder: Json, data_set: DataSet) -> Iterator[tuple[str, dict]]:
    """Rows of JSON Lines, or of a file that is one list of objects."""
    field = builder.config.field
    if field is None and not next(lines(file, opened))[1].lstrip().startswith("["):
        for number, values in json_objects(file, opened):
            yield f"{file}: line {number}", values
        return
    listed = json_file(file, opened)
    if field is not None:
        listed = listed.get(field) if isinstance(listed, dict) else None
    if not isinstance(listed, list) or not all(isinstance(values, dict) for values in listed):
        raise DataError(f"{file}: is no list of JSON objects.")
    if not listed:
        raise empty(file)
    for number, values in enumerate(listed):
        yield f"{file}: entry {number}", values


def opened(path: str | Path) -> IO[bytes]:
    """Open a file of this machine, or one by its URL on the hub, for reading bytes."""
    return fsspec.open(str(path), "rb").open()


def _split(found: Mapping[Any, Any], data_set: DataSet) -> Any:
    if data_set.split not in found:
        raise SourceError(
            f"{data_set}: has no split {data_set.split!r}"
            f"{nearest(data_set.split, found) or '.'} It has {', '.join(map(str, found))}."
        )
    return found[data_set.split]


def _wanted(data_set: DataSet, there: list[str]) -> list[str]:
    """The data set's column names; `DataError` if one is not `there`."""
    wanted = list(_flat(data_set.columns).values())
    for column in wanted:
        if column not in there:
            raise DataError(
                f"{data_set}: has no column {column!r}{nearest(column, there) or '.'} It has "
                f"{', '.join(there)}. Correct `columns`."
            )
    return wanted


def _open(data_set: DataSet, mirror: str | None, cache: str) -> datasets.DatasetBuilder:
    path, local, more = data_set.path, Path(data_set.path), {}
    folder = None if data_set.revision is None else mirrored(data_set, mirror)
    if data_set.revision is not None:
        if local.exists():
            # The library would read a local folder of this name instead of the hub's data set.
            raise SourceError(
                f"{data_set}: {local} is a folder or file here and a `revision` is given. Leave "
                "`revision` out to read it, or rename it to read the hub's."
            )
        if folder:
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
        return datasets.load_dataset_builder(path, data_set.name, cache_dir=cache, **more)
    except MemoryError:
        raise
    except Exception as error:  # whatever reads the folder has its own
        log.error("%s: the library's own error", data_set, exc_info=True)
        raise SourceError(_advice(data_set, mirror, folder, error)) from error


def _builder(data_set: DataSet) -> str:
    if data_set.name:
        raise SourceError(f"{data_set}: a single file has no configurations; leave `name` out.")
    suffix = Path(data_set.path.removesuffix(".gz")).suffix
    if suffix not in _BUILDERS:
        raise SourceError(
            f"{data_set}: files of this kind are not read; known: {', '.join(_BUILDERS)}."
        )
    return _BUILDERS[suffix]


def _source(builder: datasets.DatasetBuilder, data_set: DataSet) -> Source:
    return Source(builder, str(data_set), data_set.split, pinned=data_set.revision is not None)


def _row(values: dict, data_set: DataSet, where: str) -> Row:
    columns = data_set.columns

    def text(key: str, also: type = str) -> str | None:
        if key not in columns:
            return None
        value = reach(values, columns[key], where)
        if has_nul(value):
            raise DataError(f"{where}: column {columns[key]!r} has the character NUL; remove it.")
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, also) and not isinstance(value, bool):
            return str(value)
        raise _wrong_type(where, columns[key], value, "text")

    answer = start = None
    if answers := columns.get("answers"):
        start = _first(reach(values, answers["start"], where))
        if start is not None and (not isinstance(start, int) or isinstance(start, bool)):
            raise _wrong_type(where, answers["start"], start, "a whole number")
        if "text" in answers:
            answer = _first(reach(values, answers["text"], where))
            if not isinstance(answer, str | None) or has_nul(answer):
                raise _wrong_type(where, answers["text"], answer, "text")
    return Row(
        text("question"), text("passage"), text("id", int), text("paragraph", int), answer, start
    )


def reach(values: dict, column: str, where: str) -> Any:
    """The value of a column; a dotted name reaches into structs, and into a list's first item.

    where: names the row in errors. Raises `DataError` if there is no such field.
    """
    if column in values:
        return values[column]
    value: Any = values
    for part in column.split("."):
        value = _first(value)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise DataError(f"{where}: has no {column!r}; it has {', '.join(_names(values))}.")
        value = value.get(part)
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


def _advice(data_set: DataSet, mirror: str | None, folder: Path | None, error: Exception) -> str:
    """What to do if the data set cannot be opened. folder: its own in the mirror, if any."""
    fault = f"{type(error).__name__}: {error}"
    if "scripts are no longer supported" in str(error):
        return (
            f"{data_set}: has only a loading script, which is code of others and is never run "
            f"({error}). Take a commit that holds parquet, JSON Lines or CSV files: the hub "
            "converts many data sets on their branch refs/convert/parquet."
        )
    if data_set.revision is None:
        return (
            f"{data_set}: cannot be opened: {fault}. Mend what it names, or correct `name` or "
            "`path`."
        )
    if folder:
        return (
            f"{data_set}: {folder} cannot be opened: {fault}. Correct `name`, take another "
            "commit, or fetch the mirror again, with its card (README.md)."
        )
    if isinstance(error, ValueError):
        return (
            f"{data_set}: cannot be opened: {fault}. Correct `name` or `path`, or take another "
            "commit."
        )
    place = f"{mirror or 'DIR'}/huggingface.co/datasets/{data_set.path}/tree/{data_set.revision}"
    return (
        f"{data_set}: {data_set.url} cannot be had: {error}. Without a network, put its files into "
        f"{place} and set {MIRROR_VARIABLE}={mirror or 'DIR'}."
    )
