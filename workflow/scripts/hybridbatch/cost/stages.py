"""The stages of a plan: all rules of the workflow, and the cost of their jobs."""

from collections.abc import Callable, Mapping

from hybridbatch.cost.model import Cost
from hybridbatch.cost.rules import (
    evaluation,
    images,
    rendered,
    retrieval,
    sources,
    training,
    translation,
)
from hybridbatch.cost.work import Work

STAGES: dict[str, dict[str, Callable[[Work, Mapping[str, str]], Cost]]] = {
    "fetch": {"fetch": sources.fetch, "fetch_dataset": sources.fetch_dataset},
    "read": {
        "read_corpus": sources.read_corpus,
        "shard_texts": sources.shard_texts,
        "read_parallel": sources.read_parallel,
        "read_benchmark": sources.read_benchmark,
        "read_topics": sources.read_topics,
        "survey_passages": sources.survey_passages,
        "read_references": sources.read_references,
        "count_glyphs": sources.count_glyphs,
    },
    "translate": {
        "translate": translation.translate,
        "translate_references": translation.translate_references,
        "translate_back": translation.translate_back,
        "translate_captions": translation.translate_captions,
    },
    "filter": {
        "filter_pairs": translation.filter_pairs,
        "export_train_set": translation.export_train_set,
    },
    "contamination": {"find_duplicates": evaluation.find_duplicates},
    "tokenize": {
        "prepare_encoder": training.prepare_encoder,
        "prepare_rendered": rendered.prepare_rendered,
        "tokenize_pairs": training.tokenize_pairs,
        "tokenize_validation": training.tokenize_validation,
        "count_tokens": training.count_tokens,
    },
    "fine-tune": {
        "finetune": training.finetune,
        "finetune_rendered": rendered.finetune_rendered,
    },
    "merge": {"merge_adapter": training.merge_adapter},
    "encode": {
        "encode": retrieval.encode,
        "prepare_candidates": rendered.prepare_candidates,
        "encode_rendered": retrieval.encode,
        "search_passages": retrieval.search_passages,
    },
    "evaluate": {
        "evaluate": evaluation.evaluate,
        "evaluate_run": retrieval.evaluate_run,
        "score_system": evaluation.score_system,
        "compare_samplings": evaluation.compare_samplings,
        "compare_schedules": evaluation.compare_schedules,
        "measure_bias": evaluation.measure_bias,
        "export_ranking": evaluation.export_ranking,
        "export_judgements": evaluation.page,
        "export_run": evaluation.export_run,
    },
    "images": {
        "make_emoji": images.make_emoji,
        "fetch_images": images.fetch_images,
        "pack_images": images.pack_images,
        "read_image_corpus": images.read_image_corpus,
        "shard_captions": images.shard_captions,
        "split_captions": images.split_captions,
        "merge_fonts": images.merge_fonts,
        "read_captions": images.read_captions,
        "render_pairs": rendered.render_pairs,
        "render_validation": rendered.render_validation,
    },
    "towers": {
        "prepare_towers": images.prepare_towers,
        "embed_images": images.embed_images,
        "finetune_images": images.finetune_images,
        "evaluate_images": images.evaluate_images,
    },
    "tables": {
        "score_table": evaluation.table,
        "evaluation_data_table": evaluation.table,
        "training_data_table": evaluation.table,
        "translation_table": evaluation.table,
        "translation_quality_table": evaluation.table,
        "filtering_table": evaluation.table,
        "tokens_table": evaluation.table,
        "contamination_table": evaluation.table,
        "significance_table": evaluation.table,
        "reproduction_table": evaluation.table,
        "claims_table": evaluation.table,
        "bias_detail_table": evaluation.table,
        "ablation_table": evaluation.table,
        "layer_scaling_table": evaluation.table,
        "image_text_table": evaluation.table,
        "layer_scaling_usage": evaluation.table,
        "layer_scaling_figure": evaluation.table,
        "image_text_figure": evaluation.table,
        "heatmap_figure": evaluation.table,
        "rank_distance_figure": evaluation.table,
        "language_share_figure": evaluation.table,
        "curve_figure": evaluation.table,
        "training_figure": evaluation.table,
        "translation_quality_figure": evaluation.table,
        "reproduction_figure": evaluation.table,
        "model_card": evaluation.page,
        "image_card": evaluation.page,
        "data_card": evaluation.page,
        "front_page": evaluation.page,
        "table_page": evaluation.page,
        "figure_page": evaluation.page,
        "first_images_page": evaluation.page,
        "rendered_page": evaluation.page,
        "record_provenance": evaluation.page,
    },
}
STAGE_OF = {rule: stage for stage, rules in STAGES.items() for rule in rules}


def stage_of(rule: str) -> str:
    """The stage of a rule; raises LookupError that says where to add it."""
    if rule not in STAGE_OF:
        raise LookupError(
            f"rule {rule} has no stage and no cost: add both to STAGES in "
            "workflow/scripts/hybridbatch/cost/stages.py."
        )
    return STAGE_OF[rule]


# Rules whose jobs may use a GPU or several threads; all others use neither.
WITH_DEVICE = frozenset(
    rule for stage in ("translate", "fine-tune", "encode", "towers") for rule in STAGES[stage]
) | {"render_pairs", "render_validation"}


def device_of(work: Work, rule: str, wildcards: Mapping[str, str]) -> dict:
    """`threads` and `on_gpu` of a job's Cost, which depend on no size."""
    if rule not in WITH_DEVICE:
        return {}
    if rule in STAGES["translate"]:
        return work.translators_device()
    if rule in STAGES["towers"]:
        return images.device(work)
    if "encoder" in wildcards:
        return work.looking_device(wildcards["encoder"])
    encoder = work.systems[wildcards["system"]].encoder
    if rule in STAGES["encode"]:
        return work.encoding_device(encoder)
    return work.encoders_device(encoder)


def cost_of(work: Work, rule: str, wildcards: Mapping[str, str]) -> Cost:
    """The cost of one job; raises ConfigError if a size is unknown, LookupError as `stage_of`."""
    return STAGES[stage_of(rule)][rule](work, wildcards)
