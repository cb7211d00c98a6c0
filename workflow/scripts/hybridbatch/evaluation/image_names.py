"""Names of directions and columns that per-query results between captions and images have."""

TEXT_TO_IMAGE, IMAGE_TO_TEXT = DIRECTIONS = ("text-to-image", "image-to-text")
CUTOFFS = (1, 5, 10)
RECALLS = tuple(f"recall_{k}" for k in CUTOFFS)
# Before a language: its share among the first candidates, of image to text over all languages.
SHARE_COLUMN = "share_"
