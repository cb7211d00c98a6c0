"""NLLB-200 and M2M-100 with transformers: the reference for the fast engine.

Computes in bfloat16 on CUDA, in float32 on a CPU.
"""

import torch
from transformers import AutoModelForSeq2SeqLM, GenerationConfig

from hybridbatch.runtime.gpus import lease_gpu
from hybridbatch.translation.engines._batches import (
    NeuralConfig,
    NeuralTranslator,
    Output,
    model_folder,
    out_of_memory,
)


class Transformers(NeuralTranslator):
    """One translation direction of a multilingual model."""

    def __init__(self, config: NeuralConfig, device: str) -> None:
        """Load the model onto `device`; raises ConfigError or TranslationError on failure."""
        folder = model_folder(config.model, config.revision)
        super().__init__(config, folder)
        self.device = torch.device(device)
        self.model = AutoModelForSeq2SeqLM.from_pretrained(
            folder,
            config=self.model_config,
            dtype=torch.bfloat16 if self.device.type == "cuda" else torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
        self.model = self.model.to(self.device).eval()
        # Replaces the generation settings stored with the model, which differ between models.
        self.model.generation_config = GenerationConfig(
            decoder_start_token_id=self.model_config.decoder_start_token_id,
            pad_token_id=self.tokenizer.pad_token_id,
            bos_token_id=self.tokenizer.bos_token_id,
            eos_token_id=self.tokenizer.eos_token_id,
            forced_bos_token_id=self.target,
            max_new_tokens=config.max_new_tokens,
            num_beams=config.beams,
            early_stopping=config.beams
            > 1,  # stop at `beams` finished hypotheses, like CTranslate2
            do_sample=False,
        )

    @torch.inference_mode()
    def generate(self, batch: list[list[int]]) -> list[Output]:
        longest = max(map(len, batch))
        padding = self.tokenizer.pad_token_id
        ids = torch.tensor([row + [padding] * (longest - len(row)) for row in batch])
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in batch])
        try:
            outputs = self.model.generate(
                input_ids=ids.to(self.device), attention_mask=mask.to(self.device)
            )
        except torch.cuda.OutOfMemoryError as error:
            raise out_of_memory(self.config) from error
        return [self._output(row) for row in outputs[:, 1:].tolist()]  # without the start token

    def _output(self, row: list[int]) -> Output:
        end = self.tokenizer.eos_token_id
        return Output(row[: row.index(end)], True) if end in row else Output(row, False)


def translator(route: dict) -> Transformers:
    """The engine of a route, on a GPU if there is one."""
    lease_gpu()
    return Transformers(NeuralConfig.of(route), "cuda" if torch.cuda.is_available() else "cpu")
