"""Wording in tables of images and texts."""

from hybridbatch.evaluation.image_scores import MEAN_TRANSFER
from hybridbatch.evaluation.settings import MEAN, MEAN_SEEN, MEAN_UNSEEN

MEAN_TITLES = {
    MEAN: "all languages",
    MEAN_SEEN: "languages of captions trained on",
    MEAN_UNSEEN: "unseen languages",
    MEAN_TRANSFER: "unseen languages that the text tower knows",
}
