"""From trained text systems to the table of rendered passages, beside it those of the texts."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from checkout import ROOT, Checkout, small_configuration

FONTS = Path("/usr/share/fonts/truetype/noto")
SMALL = ("--configfile", "small.yaml", "rendered.yaml")
TABLE = "results/small/tables/small_images.csv"
CARD = "results/small/models/visual_hybrid/README.md"


def rendered() -> dict:
    """The shipped encoders on a small benchmark, laid over the small configuration."""
    shipped = yaml.safe_load((ROOT / "config/rendered.yaml").read_text())
    image = {"codebook": 32, "rows": 2000, "dimension": 16}
    encoders = shipped["catalogue"]["encoders"]
    for entry in encoders.values():
        entry |= {"dimension": 16, "image": entry["image"] | image}
        entry["training"] |= {"max_steps": 20, "evaluate_every": 10}
    texts = small_configuration()["catalogue"]["benchmarks"]["small"]
    images = texts | {"kind": "rendered", "title": "Small as images"}
    moved = images | {"title": "Small as images, moved", "perturbation": {"shift": 2}}
    benchmarks = {
        "small_images": images | {"beside": ["small", "small_moved"]},
        "small_moved": moved,
    }
    return {
        "samplings": ["hybrid"],
        "encoders": list(encoders),
        "benchmarks": ["small_images"],
        "ablations": shipped["ablations"],
        "catalogue": {"encoders": encoders, "benchmarks": benchmarks},
    }


@pytest.mark.slow
@pytest.mark.skipif(not FONTS.is_dir(), reason="apt-get install fonts-noto-core")
def test_a_run_from_text_systems_to_the_table(
    finished: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    shutil.copytree(finished.path, tmp_path / "copy", symlinks=True)
    checkout = Checkout(tmp_path / "copy")
    (checkout.path / "rendered.yaml").write_text(yaml.safe_dump(rendered()))
    jobs = checkout.plan(*SMALL, "--", TABLE)
    trained = {of["system"] for rule, of in jobs if rule.startswith("finetune")}
    assert trained == {"visual_hybrid", "visual_distilled_hybrid"}, "the text towers are there"
    # Passages are rendered once for both encoders.
    assert {of["encoder"] for rule, of in jobs if rule == "render_pairs"} == {"visual"}
    assert {of["encoder"] for rule, of in jobs if rule == "prepare_candidates"} == {"visual"}
    assert {of["system"] for rule, of in jobs if rule == "encode_rendered"} == trained
    assert not {"tokenize_pairs", "encode"} & {rule for rule, _ in jobs}
    checkout.snakemake(*SMALL, "--", TABLE, CARD, libraries=["sentence_transformers"])
    frame = pd.read_csv(checkout.path / TABLE)
    rows = {
        (row.encoder, row.benchmark)
        for row in frame[["encoder", "benchmark"]].drop_duplicates().itertuples()
    }
    assert rows == {
        ("static", "small"), ("visual", "small_images"), ("visual_distilled", "small_images"),
        ("visual", "small_moved"), ("visual_distilled", "small_moved"),
    }  # fmt: skip
    assert set(frame["sampling"]) == {"hybrid"}
    means = frame[(frame["metric"] == "map") & (frame["language"] == "mean")]
    assert set(means["setting"]) == {"monolingual", "cross-lingual", "multilingual"}
    assert means["value"].between(0, 1).all()
    # The text-to-text rows are those of the texts' own table.
    texts = pd.read_csv(checkout.path / "results/small/tables/small.csv")
    texts = texts[texts["sampling"] == "hybrid"]
    ours = frame[frame["encoder"] == "static"].drop(columns="table").reset_index(drop=True)
    texts = texts.drop(columns="table").reset_index(drop=True)
    assert ours.equals(texts[ours.columns])
    page = (checkout.path / TABLE).with_suffix(".md").read_text(encoding="utf-8")
    for encoder, benchmark in rows:
        assert re.search(rf"## {encoder}, {benchmark}, ", page.replace("\\", ""))
    card = (checkout.path / CARD).read_text(encoding="utf-8")
    assert "Text tower, frozen: the system static_hybrid" in card.replace("\\", "")
    # What the card says loads the model, where the card lies.
    (program,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert "put workflow/scripts on the\n# PYTHONPATH" in program
    assert "encode_document" in program
    monkeypatch.chdir((checkout.path / CARD).parent)
    exec(compile(program + "\nprint(scores.shape)\n", "the card", "exec"), {})
    assert capsys.readouterr().out.endswith("torch.Size([1, 1])\n")
    assert checkout.plan(*SMALL, "--", TABLE, CARD) == []
