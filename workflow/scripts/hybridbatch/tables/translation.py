"""The page of translation counts."""

import pandas as pd

from hybridbatch.render.grid import Page, of_frame


def translation_page(frame: pd.DataFrame) -> Page:
    """The counts as they are; frame: rows of `translation.translate.summary` with their keys."""
    caption = (
        "Translation: texts, words, the share of unknown ones, characters lost, retries after a "
        "failure of the engine, translations cut or repeating themselves, and texts that failed."
    )
    return Page("translation", "Translation", [of_frame(caption, frame, {"unknown_share": 4})])
