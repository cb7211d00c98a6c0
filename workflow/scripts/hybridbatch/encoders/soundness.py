"""Checks of a pretrained encoder's files before anything is computed with it."""

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Pooling
from tokenizers import Tokenizer

from hybridbatch.encoders.tokens import TOKENIZER_FILE
from hybridbatch.runtime.errors import ConfigError
from hybridbatch.runtime.logs import log

# The names of learned position embeddings in transformers; rotary and relative ones have no table.
_POSITIONS = ("position_embeddings", "wpe")
_PADDINGS = ("<pad>", "[PAD]")  # as tokenizers write the padding token
_FEW = 0.9  # share of the embedding's rows that a tokenizer of the model's own vocabulary has


def check(model: SentenceTransformer, tokenizer: Tokenizer, max_tokens: int) -> None:
    """Check that tokenizer, embeddings, positions and dimensions of an encoder fit together.

    tokenizer: of the model's TOKENIZER_FILE. max_tokens: of the catalogue's entry. Raises
    ConfigError that names the file or the key.
    """
    backbone = model[0].model
    special = tokenizer.num_special_tokens_to_add(is_pair=False)
    if max_tokens <= special:
        raise ConfigError(
            f"max_tokens is {max_tokens}, and {TOKENIZER_FILE} adds {special} special tokens to "
            "every text: nothing is left of the text. Set a larger max_tokens."
        )
    places = positions(backbone)
    if places is not None and max_tokens > places:
        raise ConfigError(
            f"max_tokens is {max_tokens}, the model has {places} positions (config.json). Set "
            f"max_tokens to {places} or less."
        )
    _check_vocabulary(backbone, tokenizer)
    _check_dimensions(model)
    _try(model, tokenizer, max_tokens)


def positions(backbone: torch.nn.Module) -> int | None:
    """The number of tokens that a transformer has positions for; None without a table of them.

    Positions of the RoBERTa family begin behind the padding's, which takes the rows up to it.
    """
    sizes = [
        table.num_embeddings - (0 if table.padding_idx is None else table.padding_idx + 1)
        for table in _tables(backbone)
    ]
    return min(sizes, default=None)


def _tables(backbone: torch.nn.Module) -> list[torch.nn.Embedding]:
    """The tables of learned positions."""
    return [
        module
        for name, module in backbone.named_modules()
        if name.split(".")[-1] in _POSITIONS and isinstance(module, torch.nn.Embedding)
    ]


def _check_vocabulary(backbone: torch.nn.Module, tokenizer: Tokenizer) -> None:
    """Check that the tokenizer is of the embeddings' vocabulary, as far as files can tell."""
    rows = backbone.get_input_embeddings().num_embeddings
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    token, last = max(vocabulary.items(), key=lambda item: item[1])
    advice = "Take tokenizer and weights of the same model."
    if last >= rows:
        raise ConfigError(
            f"{TOKENIZER_FILE} is of another vocabulary: it has the token {token!r} with id "
            f"{last}, the model's embeddings have {rows} rows. {advice}"
        )
    if len(vocabulary) < _FEW * rows:
        raise ConfigError(
            f"{TOKENIZER_FILE} is of another vocabulary: it has {len(vocabulary)} tokens, the "
            f"model's embeddings have {rows} rows. {advice}"
        )
    if len(vocabulary) < rows:
        log.info("%d of %d embeddings have no token", rows - len(vocabulary), rows)
    wanted = backbone.config.pad_token_id
    found = {tokenizer.token_to_id(text) for text in _PADDINGS} - {None}
    if wanted is None or not found or wanted in found:
        return
    problem = (
        f"the padding token of {TOKENIZER_FILE} has id {min(found)}, in the model's config.json it "
        f"is {wanted}"
    )
    # Where positions begin behind the padding's, another one gives every token another position.
    if any(table.padding_idx is not None for table in _tables(backbone)):
        raise ConfigError(f"{problem}: they are of different vocabularies. {advice}")
    log.warning("%s: are they of one model?", problem)


def _check_dimensions(model: SentenceTransformer) -> None:
    """Check that each module takes vectors of the dimension that the one before it gives."""
    width, source = model[0].get_embedding_dimension(), "config.json"
    for number, module in enumerate(model):
        takes = None
        if isinstance(module, Pooling):
            takes, gives, key = module.embedding_dimension, None, "embedding_dimension"
        elif isinstance(module, Dense):
            takes, gives, key = module.in_features, module.out_features, "in_features"
        if takes is None:
            continue
        file = f"{number}_{type(module).__name__}/config.json"
        if takes != width:
            raise ConfigError(
                f"{file}: {key} is {takes}, and vectors have {width} dimensions by {source}. Take "
                "all modules of the same model."
            )
        width = gives or module.get_embedding_dimension()
        source = file


def _try(model: SentenceTransformer, tokenizer: Tokenizer, max_tokens: int) -> None:
    """Embed one input of `max_tokens` tokens, which shows what no file says."""
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    ids = torch.full((1, max_tokens), max(vocabulary.values()))
    features = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    try:
        with torch.inference_mode():
            vectors = model.eval()(features)["sentence_embedding"]
    except (RuntimeError, IndexError, ValueError) as error:
        raise ConfigError(
            f"a text of max_tokens, {max_tokens}, cannot be embedded: {error}. Try a smaller "
            "max_tokens, and look whether all files are of the same model."
        ) from error
    if not torch.isfinite(vectors).all():
        raise ConfigError("gives vectors that are not finite; its weights are damaged.")
