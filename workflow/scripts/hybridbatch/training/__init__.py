"""Fine-tuning: batches, loss, optimisation, exact resumption."""
